"""For those who write the book."""
