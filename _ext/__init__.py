"""Around the book: `site` builds its pages, `host` runs in them, `tools` are for writers."""
