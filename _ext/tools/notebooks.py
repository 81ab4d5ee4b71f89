"""Run chapters in place and leave in them what belongs in git: the sources and the text they print.

    python _ext/tools/notebooks.py chapters/*.ipynb

The text outputs are golden: the tests compare what the build shows with them. Images and the state
of widgets are dropped, since the book makes them again and they differ from machine to machine.
Running this twice changes nothing.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

KEPT_CELL_METADATA = {"tags", "mystnb", "jupyter"}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def run(path):
    """The notebook at `path`, run from the top in a fresh kernel."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(Path(path).parent)}},
    )
    return client.execute()


def normalise(notebook):
    """Drop from a notebook, in place, all that is not source or text output.

    Raises ValueError if a cell wrote to stderr: warnings name paths of the machine.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    count = 0
    for cell in notebook.cells:
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in KEPT_CELL_METADATA}
        if cell.cell_type != "code":
            continue
        if cell.source.strip():
            count += 1
            cell.execution_count = count
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise ValueError(f"cell {count} writes to stderr:\n{output.text}")
            if "execution_count" in output:
                output.execution_count = cell.execution_count
            if "data" in output:
                output.metadata = {}
                output.data = {
                    mime: value
                    for mime, value in output.data.items()
                    if mime != WIDGET_VIEW and not mime.startswith("image/")
                }
    return notebook


if __name__ == "__main__":
    for path in sys.argv[1:]:
        nbformat.write(normalise(run(path)), path)
        print(f"ran {path}")
