"""What the build keeps from one run to the next, and that it leaves a finished site alone."""

import pickle
from types import SimpleNamespace

import pytest

from _ext.site import kept, pipeline, purge


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(kept, "FOLDER", tmp_path / "kept")
    monkeypatch.setattr(kept, "_used", set())
    return kept.FOLDER


def doubled(calls):
    def double(text, numbers):
        calls.append(text)
        return [text * 2, numbers]

    return double


def test_a_result_is_made_once_for_the_same_inputs(folder):
    calls = []
    double = doubled(calls)
    first = kept.call(double, "a", [1, 2])
    first.append("what a caller does to it")
    assert kept.call(double, "a", [1, 2]) == ["aa", [1, 2]]
    assert calls == ["a"]
    kept.call(double, "a", [1, 3])
    kept.call(double, "b", [1, 2])
    assert calls == ["a", "a", "b"]
    kept.call(str.join, "a", ["b"])  # another function
    assert len(list(folder.iterdir())) == 4


def test_another_code_or_version_makes_it_again(folder, monkeypatch):
    calls = []
    kept.call(doubled(calls), "a", [])
    other = kept.code().copy()
    other.update(b"another")
    monkeypatch.setattr(kept, "code", lambda: other)
    kept.call(doubled(calls), "a", [])
    assert calls == ["a", "a"]


def test_what_no_page_asks_for_any_more_goes(folder):
    folder.mkdir()
    (folder / "old").write_bytes(pickle.dumps("from an earlier build"))
    kept.call(doubled([]), "a", [])
    kept.drop_unused(None)
    assert [path.name for path in folder.iterdir()] != ["old"]
    assert len(list(folder.iterdir())) == 1


def test_a_sheet_is_purged_the_same_with_the_words_it_has_itself():
    sheet = r"""
    .a, .b\:c > #d { color: red } .w\/50 { width: 50% } p:not(.gone) { margin: 0 }
    @media print { .a { color: black } .gone { color: blue } } @font-face { font-family: x }"""
    known = {"a", "b", "c", "d", "w", "50", "elsewhere"}
    named = sorted(known & purge.words([sheet]))
    assert "elsewhere" not in named
    assert purge.purged(sheet, named) == purge.purged(sheet, known)
    assert ".gone{" not in purge.purged(sheet, named).replace(" ", "")


@pytest.mark.parametrize(
    ("writes", "exception", "done"),
    [(True, None, True), (False, None, False), (True, ValueError, False)],
)
def test_a_site_is_finished_only_if_pages_were_written(monkeypatch, writes, exception, done):
    steps = []
    monkeypatch.setattr(pipeline, "FINISH", [steps.append])
    app = SimpleNamespace(writes=writes)
    pipeline.finish(app, exception)
    assert steps == ([app] if done else [])


def test_the_step_before_pages_are_written_says_that_they_are(monkeypatch):
    monkeypatch.delenv("PROGRESS", raising=False)
    app = SimpleNamespace(writes=False, config=SimpleNamespace(language="en"))
    pipeline.begin(app, None)
    assert app.writes
    (step,) = [steps[0] for event, _, steps in pipeline.STEPS if pipeline.begin in steps]
    assert step is pipeline.begin
