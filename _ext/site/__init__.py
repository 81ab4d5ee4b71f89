"""What the build does to the pages: see `pipeline`."""
