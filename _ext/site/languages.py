"""The pages that other languages have: those with a catalogue below `locale/`, one for each page.

They are read and written once the English ones are, from what that run knows of the book: so they
cost no second run. A page that a language does not have is linked in English.

`locale/<language>/LC_MESSAGES/<page>.po` has the text of a page, and `words.po` there what figures
and the site's own scripts and labels say. _ext/tools/catalogues.py keeps them up to date.
"""

import gettext
import json
import shutil
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "locale"
WORDS = "words"  # the catalogue of what no page says
TABLES = ROOT / "code" / "batchnorm" / "figures" / "words"
MADE = ("app.add_node", "app.add_directive", "app.add_role", "app.add_generic_role")


def noted(text):
    """A text that the catalogues are to have."""
    return text


# What is left in English by those who made the theme and its like
THEIRS = [
    *(noted("Hide code cell content"), noted("Hide code cell source")),
    *(noted("Toggle primary sidebar"), noted("Toggle secondary sidebar")),
    *(noted("Title, search and chapters"), noted("Main"), noted("Link to this heading")),
    noted(
        "The authors of Gradients Through Batch Normalization, 2026. Text: CC BY 4.0. Code: MIT."
    ),
]


def languages():
    """The languages besides English, with the pages that each has."""
    folders = sorted(path for path in LOCALE.glob("*/LC_MESSAGES") if path.is_dir())
    return {folder.parent.name: pages(folder) for folder in folders}


def pages(folder):
    names = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.po"))
    return sorted(set(names) - {WORDS})


def catalogue(language, name):
    """Where a catalogue is."""
    return LOCALE / language / "LC_MESSAGES" / f"{name}.po"


@cache
def translations(language, name):
    """What a catalogue says; nothing but English where there is none."""
    path = catalogue(language, name)
    if not path.exists():
        return gettext.NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(path.read_bytes()), locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def label(language, text):
    """A label of the site, in a page's language."""
    return translations(language, WORDS).gettext(text)


class TranslatedBuilder(StandaloneHTMLBuilder):
    """Writes pages of one language into a folder of the site, which it shares."""

    name = "translated"

    def init(self):
        self.name = "html"  # by which MyST-NB knows what a page can show
        super().init()

    def _get_translations_js(self):
        return ""  # words of scripts that this book does not have

    def get_target_uri(self, docname, typ=None):
        uri = super().get_target_uri(docname, typ)
        return f"{self.config.language}/{uri}" if docname in self.config.translated else uri

    def get_outfilename(self, pagename):
        return str(Path(self.outdir, self.get_target_uri(pagename)))


def write(app):
    """Write the pages of all other languages."""
    for language, names in languages().items():
        if names:
            write_language(app, language, names)
    logging.setup(app, app._status, app._warning)  # which a second Sphinx has taken over
    app._init_i18n()


def write_language(app, language, names):
    """Write the pages of one language, by a Sphinx of its own that finds the book read."""
    trees = Path(app.doctreedir).with_name(f".doctrees-{language}")
    shutil.rmtree(trees, ignore_errors=True)
    shutil.copytree(app.doctreedir, trees)
    folder = trees / "locale" / language / "LC_MESSAGES"
    for name in names:
        compiled = folder / f"{name}.mo"
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with compiled.open("wb") as file:
            write_mo(file, read_po(catalogue(language, name).open("rb"), locale=language))
    search = label(language, "Search the book")
    here = Sphinx(
        *(app.srcdir, None, app.outdir, trees, "translated"),
        confoverrides=app.config.overrides
        | {
            "extensions": app.config.extensions,
            "language": language,
            "locale_dirs": [str(folder.parents[1])],
            "gettext_compact": False,
            "translated": names,
            "html_title": label(language, app.config.html_title),
            "html_theme_options": app.config.html_theme_options | {"search_bar_text": search},
            "suppress_warnings": [*app.config.suppress_warnings, *MADE],  # extensions, twice
        },
        status=None,
        warning=app._warning,
        warningiserror=app.warningiserror,
    )
    name_pages(here.env, language)
    for name in names:
        here.events.emit("env-purge-doc", here.env, name)
        here.env.clear_doc(name)
        here.builder.read_doc(name)
    here.events.emit("env-check-consistency", here.env)
    here.builder.prepare_writing(set(names))
    for name in names:
        here.builder.write_doc(name, here.env.get_and_resolve_doctree(name, here.builder))


def name_pages(env, language):
    """Name every page in a language, for its lists of contents."""
    for name, title in env.titles.items():
        for node in (title, next(env.tocs[name].findall(nodes.reference))):
            node[:] = [nodes.Text(label(language, title.astext()))]


def name_theirs(app):
    """Put labels that are left in English into the language of each page."""
    for language in languages():
        for path in Path(app.outdir, language).rglob("*.html"):
            text = path.read_text("utf8")
            for english in THEIRS:
                own = escape(label(language, english))
                for before, after in ('""', "><"):
                    text = text.replace(before + english + after, before + own + after)
            path.write_text(text, "utf8")


def note_catalogues(app, doctree):
    """A page is made again when one of its catalogues has changed."""
    for language, names in languages().items():
        if app.env.docname in names:
            for name in (app.env.docname, WORDS):
                app.env.note_dependency(str(catalogue(language, name)))


def name_folds(app, docname, source):
    """What a fold of a chapter says is no paragraph: Sphinx would leave it in English."""
    known = translations(app.config.language, docname)
    if app.config.language == "en" or not docname.startswith("chapters/"):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        fold = cell["metadata"].get("mystnb", {})
        for key in FOLD & set(fold):
            fold[key] = known.gettext(fold[key])
    source[0] = json.dumps(notebook)


def name_parts(app, doctree):
    """The parts of the book, as the list of contents has them, come from _toc.yml."""
    known = translations(app.config.language, app.env.docname)
    for part in doctree.findall(addnodes.toctree):
        if part.get("caption"):
            part["caption"] = known.gettext(part["caption"])


FOLD = {"code_prompt_show", "code_prompt_hide"}


def written_in(app, name):
    """The languages that have a page, with its address from the folder of the site."""
    found = [
        (language, f"{language}/{name}.html")
        for language, names in languages().items()
        if name in names
    ]
    return [("en", f"{name}.html"), *found] if found else []


def link(app, pagename, templatename, context, doctree):
    """Link a page in its other languages; give one that is not English the words of its figures."""
    own, home = app.config.language, app.config.html_baseurl
    if own != "en":
        context["pageurl"] = home and f"{home}{own}/{pagename}.html"
        app.add_js_file(f"words/{own}.js", priority=0)
    every = written_in(app, pagename)
    others = " · ".join(
        f'<a href="{context["pathto"](path, 1)}" hreflang="{language}" lang="{language}">'
        f"{escape(Locale.parse(language, sep='-').display_name)}</a>"
        for language, path in every
        if language != own
    )
    if others:
        if own != "en":
            others += " · " + label(
                own, "The other chapters, the code, its outputs and the docstrings are in English."
            )
        line = f'<div class="bn-languages">{others}</div>\n<h1>'
        context["body"] = context["body"].replace("<h1>", line, 1)
    if home:
        context["metatags"] = context.get("metatags", "") + "".join(
            f'\n    <link rel="alternate" hreflang="{language}" href="{home}{path}" />'
            for language, path in every
        )


def write_words(app):
    """The words of each language's figures and scripts, for its pages."""
    for language, names in languages().items():
        if names:
            table = (TABLES / f"{language}.json").read_text("utf8").strip()
            path = Path(app.outdir, "_static", "words", f"{language}.js")
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"var bnWords={table};\n", "utf8")
