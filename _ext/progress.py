"""Say how far the build is, in a line or two, to the file descriptor that `make` gives."""

import os
from pathlib import Path


def say(text):
    """Write to where `make` listens; the build's own words go to its log."""
    if "PROGRESS" in os.environ:
        os.write(int(os.environ["PROGRESS"]), text.encode())


def setup(app):
    total = done = 0

    def start(app, env, names):
        nonlocal total
        total = sum(Path(env.doc2path(name)).suffix == ".ipynb" for name in names)
        say(f"Running the chapters, {total} in all:")

    def read(app, name, source):
        nonlocal done
        if Path(app.env.doc2path(name)).suffix == ".ipynb":
            done += 1
            say(f" {done}")

    def write(app, env):
        say("\nWriting the pages\n")

    app.connect("env-before-read-docs", start)
    app.connect("source-read", read)
    app.connect("env-check-consistency", write)
    return {"parallel_read_safe": False}
