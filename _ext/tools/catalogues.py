"""Bring the catalogues of all languages up to date with the book: `make catalogues`.

The texts of each page, as the last build read them, go to `_build/catalogues/<page>.pot`, and what
figures, scripts and labels say to `words.pot`. Each catalogue below `locale/` is merged with its
own: what is new is empty there, what has changed is marked as fuzzy, and neither is used. Then
`code/batchnorm/figures/words/<language>.json` is written, which figures read.
"""

import ast
import json
import pickle
import re
from gettext import c2py
from io import BytesIO

import nbformat
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po
from sphinx.util.nodes import extract_messages

from _ext.site.languages import FOLD, ROOT, TABLES, WORDS, catalogue, languages

TREES = ROOT / "_build" / ".doctrees"
TEMPLATES = ROOT / "_build" / "catalogues"
# What says a sentence, and which of its arguments that is
SAY = {"javascript": {"say": None, "count": (2, 3)}, "python": {"label": (2,), "noted": None}}
TITLE = re.compile(r'^(?: *")?# (.+?)(?:\\n)?(?:",?)?$', re.M)  # of a page, in a notebook or not


def page_messages(name):
    """What a page says: [(text, where)]."""
    tree = pickle.loads((TREES / f"{name}.doctree").read_bytes())
    for node, text in extract_messages(tree):
        yield text, f"{name}:{node.line or 0}"
    path = ROOT / f"{name}.ipynb"
    for cell in nbformat.read(path, 4).cells if path.exists() else []:
        fold = cell.metadata.get("mystnb", {})
        for key in sorted(FOLD & set(fold)):
            yield fold[key], f"{name}:{key}"


def word_messages():
    """What figures, scripts and labels say: [(text or (one, many), where)]."""
    figures = ROOT / "code" / "batchnorm" / "figures"
    scripts = [*figures.rglob("*.js"), *(ROOT / "_ext" / "host").rglob("*.js")]
    scripts = [path for path in scripts if 'words.js"' in path.read_text("utf8")]
    labels = (ROOT / "_ext" / "site").glob("*.py")
    for kind, paths in {"javascript": scripts, "python": labels}.items():
        for path in sorted(path for path in paths if path.name != "built.js"):
            for line, text, *_ in extract_from_file(kind, path, SAY[kind]):
                yield text, f"{path.relative_to(ROOT).as_posix()}:{line}"
    for path in sorted([*ROOT.glob("chapters/*.md"), *ROOT.glob("chapters/*.ipynb")]):
        yield from ((text, "_toc.yml") for text in re.findall(TITLE, path.read_text("utf8"))[:1])
    for path in sorted(ROOT.glob("chapters/*.ipynb")):
        for text in tours(nbformat.read(path, 4)):
            yield text, f"chapters/{path.name}"


def tours(notebook):
    """What the stops of a chapter's figures say: the texts in an argument `tour`."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and "tour=" in cell.source:
            for call in ast.walk(ast.parse(cell.source)):
                if isinstance(call, ast.keyword) and call.arg == "tour":
                    for stop in call.value.elts:
                        yield from (ast.literal_eval(text) for text in stop.elts[:2])


def template(messages):
    """A catalogue in which nothing is translated yet."""
    made = Catalog(project="Gradients Through Batch Normalization", charset="utf-8")
    for text, where in messages:
        path, _, line = where.rpartition(":")
        place = (path, int(line)) if line.isdecimal() else (where, None)
        made.add(text, locations=[place])
    return made


def merged(language, name, made):
    """The text of a language's catalogue, brought up to date. There may be none yet."""
    path = catalogue(language, name)
    old = read_po(BytesIO(path.read_bytes() if path.exists() else b""), locale=language)
    old.fuzzy, old.project, old.charset = False, made.project, "utf-8"
    old.header_comment = f"# {name}, in the language {language}: see `make catalogues`"
    old.update(made)
    out = BytesIO()
    write_po(out, old, width=100, include_lineno=False, ignore_obsolete=True, sort_by_file=False)
    # Times and people of nobody: each run would change them
    header = r'"([\w-]+-(To|Date|Translator|Team|By): ).*\n'
    return re.sub(header, "", out.getvalue().decode())


def translated(message):
    """Whether a catalogue has this sentence, and for certain."""
    forms = message.string if message.pluralizable else [message.string]
    return not message.fuzzy and all(forms)


def table(language):
    """What figures read: English to the language's own, and its name under ""."""
    known = read_po(BytesIO(catalogue(language, WORDS).read_bytes()), locale=language)
    rule = Locale.parse(language, sep="-").plural_form
    # Which of the catalogue's forms goes with which of the browser's, by some numbers
    form = c2py(known.plural_expr)
    forms = {rule(n): form(n) for n in range(1000)}
    words = {"": language}
    for message in known:
        if not message.id or not translated(message):
            continue
        if message.pluralizable:
            words[message.id[0]] = {kind: message.string[k] for kind, k in forms.items()}
        else:
            words[message.id] = message.string
    return json.dumps(words, ensure_ascii=False, separators=(",", ":")) + "\n"


def update():
    """{path: what should be in it} for each catalogue and table."""
    templates = {WORDS: template(word_messages())}
    for path in sorted(TREES.rglob("*.doctree")):
        name = path.relative_to(TREES).with_suffix("").as_posix()
        templates[name] = template(page_messages(name))
    for name, made in templates.items():
        path = TEMPLATES / f"{name}.pot"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, made, width=100)
    for language, names in languages().items():
        for name in [*names, WORDS]:
            text = merged(language, name, templates[name])
            catalogue(language, name).write_text(text, "utf8")
        TABLES.mkdir(exist_ok=True)
        (TABLES / f"{language}.json").write_text(table(language), "utf8")


if __name__ == "__main__":
    update()
