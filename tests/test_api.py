"""The page of the package: every public name, with the words of its docstring."""

import pytest

import batchnorm as bn
from _ext.site import api


@pytest.mark.parametrize("name", bn.__all__)
def test_every_public_name_stands_on_the_page_with_its_words(name):
    told = list(api.entry(name))
    assert f"`bn.{name}`" in told[0]
    if callable(getattr(bn, name)):
        assert len(api.words(getattr(bn, name))[0]) > 10


def test_the_page_is_ordered_by_subject():
    headings = [line for line in "\n".join(api.page()).splitlines() if line.startswith("## ")]
    assert headings[:3] == ["## Reference", "## Layer", "## Check"]
    assert len(set(headings)) == len(headings)


def test_an_example_in_a_docstring_is_shown_as_code():
    told = "\n".join(api.entry("derive"))
    shown = told.split("```pycon\n")[1].split("```")[0]
    assert shown.startswith(">>> import numpy as np\n>>> def layer")
    assert "\n\ndef layer_backward" in shown
    assert ">>>" not in told.replace(shown, "")
