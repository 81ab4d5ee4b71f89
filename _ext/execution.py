"""Run the chapters before they are read, on all cores, and keep what they show.

MyST-NB would run them one after another. It then finds each in the cache, which is keyed on the
cells, on the package and on the pinned parts.
"""

import hashlib
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from progress import say
from sphinx.errors import ExtensionError

SOURCES = {".py", ".js", ".css", ".npz"}  # what a chapter's outputs depend on, besides its cells


def key_the_cache(app, config):
    """Run the chapters again when the package or a pinned part has changed, not only the cells."""
    root = Path(app.srcdir)
    sources = sorted(p for p in (root / "code" / "batchnorm").rglob("*") if p.suffix in SOURCES)
    digest = hashlib.sha256()
    for path in [root / "requirements.txt", *sources]:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    caches = Path(app.outdir).parent / ".jupyter_cache"
    cache = caches / digest.hexdigest()[:16]
    for stale in set(caches.glob("*")) - {cache}:
        shutil.rmtree(stale)
    config.nb_execution_cache_path = str(cache)


def run_chapters(app):
    """Run the chapters that are not in the cache. Raises ExtensionError with their tracebacks."""
    cache = get_cache(app.config.nb_execution_cache_path)
    waiting = {}
    for path in sorted(Path(app.srcdir).glob("chapters/*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        try:
            cache.match_cache_notebook(notebook)
        except KeyError:
            waiting[path] = notebook
    if not waiting:
        return
    start, failed = time.monotonic(), []
    say(f"Running {len(waiting)} chapters on {os.cpu_count()} cores:")
    # A kernel that starts waits for its files: one more than cores keeps them busy
    with ThreadPoolExecutor(os.cpu_count() + 1) as pool:
        running = {pool.submit(run, app, path, book): path for path, book in waiting.items()}
        for count, future in enumerate(as_completed(running), 1):
            path, result = running[future], future.result()
            if result.err is not None:
                failed.append(f"{path.name}:\n{result.exc_string}")
                continue
            seconds = {"execution_seconds": result.time}
            bundle = CacheBundleIn(result.nb, str(path), data=seconds)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            say(f" {count}")
    say(f" ({time.monotonic() - start:.0f} s)\n")
    if failed:
        raise ExtensionError("A chapter does not run:\n" + "\n".join(failed))


def run(app, path, notebook):
    timeout = app.config.nb_execution_timeout
    return single_nb_execution(notebook, str(path.parent), timeout, allow_errors=False)


def setup(app):
    app.connect("config-inited", key_the_cache)
    app.connect("builder-inited", run_chapters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
