"""Run the chapters before they are read, on all cores, and keep what they show.

MyST-NB would run them one after another. It then finds each in the cache, which is keyed on the
cells, on the package and on the pinned parts.
"""

import hashlib
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution

from .parts import package_files

TIMEOUT = 300  # seconds a cell may take
ROOT = Path(__file__).parents[2]


def cache_folder():
    """Where the outputs of the chapters lie, as this package and the pinned parts make them."""
    sources = package_files(ROOT / "code" / "batchnorm")
    digest = hashlib.sha256()
    for path in [ROOT / "requirements.lock", *sources]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return ROOT / "_build" / ".jupyter_cache" / digest.hexdigest()[:16]


def run_chapters():
    """Run the chapters that are not in the cache. Exits with their tracebacks."""
    folder = cache_folder()
    for stale in set(folder.parent.glob("*")) - {folder}:
        shutil.rmtree(stale)
    cache, waiting, failed = get_cache(folder), {}, []
    for path in sorted(ROOT.glob("chapters/*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        try:
            cache.match_cache_notebook(notebook)
        except KeyError:
            waiting[path] = notebook
    if not waiting:
        return
    start, cores = time.monotonic(), os.cpu_count() or 1
    print(f"Running the chapters on {cores} cores, {len(waiting)} in all:", end="", flush=True)
    # A kernel that starts waits for its files: one more than cores keeps them busy
    with ThreadPoolExecutor(cores + 1) as pool:
        running = {pool.submit(run, path, notebook): path for path, notebook in waiting.items()}
        for count, future in enumerate(as_completed(running), 1):
            path, result = running[future], future.result()
            print(f" {count}", end="", flush=True)
            if result.err is not None:
                failed.append(f"{path.name}:\n{result.exc_string}")
                continue
            bundle = CacheBundleIn(result.nb, path, data={"execution_seconds": result.time})
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    print(f" ({time.monotonic() - start:.0f} s)")
    if failed:
        print("A chapter does not run:", *failed, sep="\n")
        sys.exit(1)


def run(path, notebook):
    return single_nb_execution(notebook, str(path.parent), TIMEOUT, allow_errors=False)


if __name__ == "__main__":
    run_chapters()
