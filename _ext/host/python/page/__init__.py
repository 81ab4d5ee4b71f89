"""The page's own Python: what a Jupyter kernel does, as far as the book's cells need it."""
