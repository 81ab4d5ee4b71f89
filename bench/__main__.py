"""Everything that is measured, as one table of ratios against a peer in the same run.

    make bench                       all of it, a quarter of an hour
    python bench layer pages         some of it

Each module beside this one yields rows. A ratio says how many times the peer's time (or bytes) ours
is worth: above 1 we are the better one. The last ten results are kept in ``results.json``, so that
a slide is seen: the last column is the median of the ratios kept. Nothing is asserted, since a busy
machine is slower, not wrong.
"""

import json
import os
import statistics
import sys
from importlib import import_module
from pathlib import Path

for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
    os.environ[f"{library}_NUM_THREADS"] = "1"  # read once, when NumPy is imported

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

PARTS = ["layer", "distributed", "controls", "figures", "page_python", "pages"]
KEPT = 10


COLUMNS = "{:52.52} {:>9} {:5} {:28.28} {:>9} {:>7} {:>7}"


def main():
    wanted = sys.argv[1:] or PARTS
    if unknown := set(wanted) - set(PARTS):
        got, want = ", ".join(sorted(unknown)), ", ".join(PARTS)
        raise SystemExit(f"bench: got {got}, want some of {want}")
    path = HERE / "results.json"
    kept = json.loads(path.read_text("utf8")) if path.exists() else []
    heads = "what", "ours", "unit", "peer", "theirs", "ratio", "before"
    print(COLUMNS.format(*heads), flush=True)
    result = {}
    for part in wanted:
        for row in import_module(part).rows():
            key = f"{part}: {row.what} | {row.peer}"
            print(line(row, [old[key] for old in kept if key in old]), flush=True)
            result[key] = [row.ours, row.theirs]
        # After each part: a run that is stopped keeps what it has measured
        path.write_text(json.dumps([*kept, result][-KEPT:], indent=1) + "\n", "utf8")


def line(row, before):
    """A row of the table; ``before`` has [ours, theirs] of earlier runs."""
    past = [ratio(*old) for old in before if ratio(*old)]
    now = ratio(row.ours, row.theirs)
    return COLUMNS.format(
        row.what,
        f"{row.ours:.4g}",
        row.unit,
        row.peer,
        "" if row.theirs is None else f"{row.theirs:.4g}",
        f"{now:.2f}" if now else "",
        f"{statistics.median(past):.2f}" if past else "",
    )


def ratio(ours, theirs):
    return theirs / ours if ours and theirs else None


if __name__ == "__main__":
    main()
