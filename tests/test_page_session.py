"""The Python side of the page's kernel, in this Python: no browser is needed for it."""

import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from base64 import b64decode
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest

from _ext.host.python.page import exercise, workbench
from _ext.site import bytecode, parts, python

ROOT = Path(__file__).parents[1]


@pytest.fixture
def said(monkeypatch):
    """What is said to the page, and what says it: {outputs, cells, speaker}."""
    monkeypatch.syspath_prepend(str(ROOT / "_ext" / "host" / "python"))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    from page.cells import Cells
    from page.speaker import Speaker, Stream

    outputs = []

    def post(text, buffers=None):
        outputs.append(json.loads(text)["output"])

    speaker = Speaker(post)
    cells = Cells(speaker)

    def run(source):
        outputs.clear()
        speaker.open(1)
        out, err = (Stream(name, speaker) for name in ("stdout", "stderr"))
        with redirect_stdout(out), redirect_stderr(err):
            done = cells.run(source, "cell 1")
        speaker.close()
        return done, outputs

    return run


def test_lines_go_out_as_they_come_and_the_last_value_is_shown(said):
    done, outputs = said("import sys\nprint('a', 'b')\nprint('c', file=sys.stderr)\n(1, 'x')")
    assert done
    assert outputs == [
        {"type": "stream", "name": "stdout", "text": "a b\n"},
        {"type": "stream", "name": "stderr", "text": "c\n"},
        {"type": "result", "data": {"text/plain": "(1, 'x')"}},
    ]


@pytest.mark.parametrize("source", ["1;", "x = 1", "1;  # a comment\n", "None", "", "# nothing"])
def test_what_shows_nothing(said, source):
    assert said(source) == (True, [])


def test_a_function_keeps_its_source_and_its_lines_when_its_cell_is_run_anew(said):
    import inspect

    said("def f(x):\n    return 1 / x\n")
    done, (shown,) = said("# another first line\nf(0)")
    assert not done
    assert re.sub(r"^ *[~^]+\n", "", shown["text"], flags=re.M) == (  # marks vary with Python
        "cell 1, line 2\n    f(0)\ncell 1, line 2, in f\n    return 1 / x\n"
        "ZeroDivisionError: division by zero\n"
    )
    assert shown["line"] == 2
    assert inspect.getsource(sys.modules["__main__"].f) == "def f(x):\n    return 1 / x\n"


def test_a_syntax_error_says_where(said):
    _, (shown,) = said("x = 1\ny = = 2\n")
    assert (shown["name"], shown["line"]) == ("SyntaxError", 2)
    assert shown["text"].startswith("cell 1, line 2\n    y = = 2\n")
    assert "page" not in shown["text"]


def test_of_a_package_the_last_place_alone_is_named(said):
    _, (shown,) = said("import json\njson.loads('{')")
    assert shown["text"].splitlines()[0] == "cell 1, line 2"
    assert "json/decoder.py, line" in shown["text"]
    assert "json/__init__.py" not in shown["text"]
    _, (shown,) = said("def f(n):\n    return f(n + 1)\nf(0)")
    assert shown["name"] == "RecursionError"
    assert len(shown["text"].splitlines()) < 30


def test_even_leaving_is_no_way_out(said):
    done, (shown,) = said("raise SystemExit(3)")
    assert not done
    assert shown["name"] == "SystemExit"


def test_a_flood_is_cut_and_what_is_dropped_is_counted(said):
    _, outputs = said("for _ in range(1000):\n    print('x' * 999)")
    text = "".join(o["text"] for o in outputs)
    end = "\n… and 800,000 more characters, which are not shown.\n"
    assert (len(text), text[-len(end) :]) == (200_000 + len(end), end)
    assert len(outputs) < 300


def test_numbers_that_json_lacks_become_null(said):
    from page.speaker import dump

    assert (
        dump({"a": float("nan"), "b": [1.5, (float("inf"),)]}) == '{"a": null, "b": [1.5, [null]]}'
    )


def test_the_stand_in_for_matplotlib_lays_out_panels(said, monkeypatch):
    from page.standins import Matplotlib

    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    before = set(sys.modules)
    plots = Matplotlib()
    plots.install()
    import matplotlib.pyplot as plt

    plt.rcParams.update({"axes.prop_cycle": plt.cycler(color=["red"])})
    assert not plots.asked
    _, (left, right) = plt.subplots(1, 2)
    for line in left.lines:
        line.set_color("red")
    right.loglog([1], [2]).set(xlabel="x")
    assert plots.asked
    assert plt.subplots(2, 3)[1].shape == (2, 3)
    for name in set(sys.modules) - before:
        monkeypatch.delitem(sys.modules, name)


def test_a_wheel_that_is_not_the_one_in_the_lock_is_refused():
    entry = {"file_name": "numpy.whl", "sha256": hashlib.sha256(b"right").hexdigest()}
    assert parts.checked(b"right", entry) == b"right"
    with pytest.raises(parts.Missing, match=r"numpy\.whl is not the file"):
        parts.checked(b"wrong", entry)


def test_a_part_comes_back_from_its_scripts(tmp_path):
    content = bytes(range(256)) * 9000
    names = parts.write_part(content, tmp_path)
    texts = [(tmp_path / name).read_text("utf8").split('"')[3] for name in names]
    assert gzip.decompress(b64decode("".join(texts))) == content


def test_what_no_page_needs_of_a_wheel_stays_behind():
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in (
            "a/b.py",
            "a/tests/c.py",
            "a/d.pyi",
            "a/e.h",
            "a-1.dist-info/licenses/LICENSE",
        ):
            archive.writestr(name, name)
    merged = zipfile.ZipFile(io.BytesIO(parts.merged([wheel.getvalue()])))
    assert merged.namelist() == ["a/b.py", "a-1.dist-info/licenses/LICENSE"]


def test_what_keeps_the_parts_from_being_compiled_is_said():
    with pytest.raises(RuntimeError, match=r"was not compiled: [\s\S]*nowhere"):
        bytecode.run(Path("nowhere"), [(b"", bytecode.STDLIB, False)])


def test_without_parts_the_build_says_so_and_goes_on(monkeypatch, tmp_path):
    said = []
    app = SimpleNamespace(outdir=str(tmp_path), say=said.append)
    monkeypatch.setenv("PYODIDE", "none")
    python.prepare(app, None)
    (line,) = said
    assert line == "Without Python in the pages, and so without run buttons (PYODIDE=none).\n"
    python.add_buttons(app, "page", "", {"body": "cell_input"}, None)
    python.finish(app)
    assert list(tmp_path.rglob("*")) == []


JOINED = """
import json, sys
sys.path.insert(0, sys.argv[1])
out, told = sys.stdout, []
from page import session
session.start(lambda text, buffers=None: told.append(json.loads(text)), [])
source = '''
import ipywidgets
@ipywidgets.interact(n=(0, 5))
def f(n=2):
    print('n is', n)
'''
session.run(source, "cell 1", 1)
comms = [m["message"] for m in told if m["kind"] == "comm" and m["message"]["type"] == "comm_open"]
kinds = {c["data"]["state"]["_model_name"]: c["id"] for c in comms}
update = {"method": "update", "state": {"value": 4}, "buffer_paths": []}
session.hear(json.dumps({"type": "comm_msg", "id": kinds["IntSliderModel"], "data": update}), [])
caught = [m["output"].get("text") for m in told if m.get("catcher") == kinds["OutputModel"]]
print("".join(text or "|" for text in caught), file=out)
print(session.call("nowhere.f", "{}"), file=out)
"""


def test_what_a_control_moves_prints_into_its_output():
    """In a process of its own: the kernel takes over IPython's place and the streams."""
    folder = str(ROOT / "_ext" / "host" / "python")
    done = subprocess.run([sys.executable, "-c", JOINED, folder], capture_output=True, text=True)
    assert done.stderr == ""
    caught, called = done.stdout.split("\n|", 1)
    assert caught == "|n is 2"
    assert called.startswith("n is 4\n\n")
    assert json.loads(called.split("\n")[2])["error"]["name"] == "ModuleNotFoundError"


DRAWN = """
import base64, json, os, sys
sys.path.insert(0, sys.argv[1])
os.environ["MPLBACKEND"] = "module://page.backend"
out, told = sys.stdout, []
from page import session
session.start(lambda text, buffers=None: told.append(json.loads(text)["output"]), [])
for cell in json.loads(sys.argv[2]):
    result = session.run(cell, "cell", 1)
pictures = [base64.b64decode(o["data"]["image/png"]) for o in told if o["type"] == "display"]
texts = [o["name"] if o["type"] == "error" else o.get("text", "picture").strip() for o in told]
print(json.dumps([texts, [picture[:4].hex() for picture in pictures], result]), file=out)
"""


def test_plots_stand_under_the_cell_where_the_page_has_matplotlib():
    """Here it is this Python's own; the page has it from a full Pyodide distribution."""
    shown = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);\nplt.show()\nprint('one')"
    left_open = "_, panels = plt.subplots(1, 2)\npanels[0].plot([2, 1]);"
    wrong = r"plt.title(r'$\frac$');"
    cells = json.dumps([shown, left_open, wrong, "print(plt.get_fignums())"])
    command = [sys.executable, "-c", DRAWN, str(ROOT / "_ext" / "host" / "python"), cells]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == ""
    texts, pictures, result = json.loads(done.stdout)
    assert [text for text in texts if text] == ["picture", "one", "picture", "ValueError", "[]"]
    assert pictures == [b"\x89PNG".hex()] * 2
    assert json.loads(result) == {"status": "ok", "needs": []}


def test_a_full_distribution_brings_matplotlib_with_all_it_needs(tmp_path):
    names = {"numpy": [], "cycler": [], "matplotlib": ["numpy", "cycler"], "scipy": ["numpy"]}
    lock = {"packages": {}}
    for name, depends in names.items():
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        lock["packages"][name] = {"file_name": name, "sha256": sha256, "depends": depends}
        (tmp_path / name).write_text(name)
    wheels = parts.compiled_wheels(tmp_path, lock, None)
    assert wheels == [b"numpy", b"matplotlib", b"cycler"]
    (tmp_path / "matplotlib").unlink()
    assert parts.compiled_wheels(tmp_path, lock, None) == [b"numpy"]
    (tmp_path / "numpy").write_text("another")
    with pytest.raises(parts.Missing, match="numpy is not the file"):
        parts.compiled_wheels(tmp_path, lock, None)


@pytest.mark.parametrize("code", [0, 0xD800, 0xDFFF])
def test_what_is_no_text_is_refused_by_its_line(said, code):
    character = chr(code)
    source = f"def f(x):\n    y = 1\n    return x + '{character}'"
    refused = f"a character that is not text (U+{code:04X}): delete it"
    done, (shown,) = said(source)
    assert (done, shown["name"], shown["line"], shown["message"]) == (
        False,
        "SyntaxError",
        3,
        refused,
    )
    assert "page" not in shown["text"]
    assert workbench.trace(source) == {"error": refused, "line": 3}
    assert exercise.check("one_line", source)["message"] == f"{refused} (line 3)"
    done, (shown,) = said("-" * 100_000 + "1")
    assert (done, shown["line"]) == (False, 1)
