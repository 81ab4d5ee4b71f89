"""The page of the package: every public name, with the words of its docstring."""

import inspect
import re

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


def test_a_table_in_a_docstring_is_shown_as_one():
    told = "\n".join(api.entry("forward"))
    assert "\n| norm | x | axis | gamma, beta |\n| --- | --- | --- | --- |\n" in told
    assert "\n| layer | (m, d) | 1 | (d,) or (1, d) |\n" in told
    assert "===" not in "\n".join(api.page())


def described():
    """Every public function and method of a public class: (its name, itself)."""
    for name in bn.__all__:
        public = getattr(bn, name)
        if inspect.isfunction(public):
            yield name, public
        elif inspect.isclass(public):
            for method, value in vars(public).items():
                if inspect.isfunction(value) and not method.startswith("_"):
                    yield f"{name}.{method}", value


def named(docstring):
    """What a docstring says, with what those say that it sends its reader to."""
    others = {name for name in re.findall(r"`(\w+)", docstring) if name in bn.__all__}
    return "\n".join([docstring, *(inspect.getdoc(getattr(bn, name)) for name in sorted(others))])


@pytest.mark.parametrize(("name", "function"), [pytest.param(*p, id=p[0]) for p in described()])
def test_a_docstring_names_what_goes_in_and_what_is_raised(name, function):
    docstring = inspect.getdoc(function)
    assert docstring, f"{name} has no docstring"
    words = set(re.findall(r"\w+", named(docstring)))
    parameters = inspect.signature(inspect.unwrap(function)).parameters.values()
    taken = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD} - {"self", "cls"}
    assert taken <= words, f"{name}: its docstring does not name {taken - words}"
    raised = set(re.findall(r"raise ([A-Z]\w+)", inspect.getsource(inspect.unwrap(function))))
    assert raised <= words, f"{name}: its docstring does not say that it raises {raised - words}"
