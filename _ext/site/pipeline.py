"""What the build does to the book beyond Jupyter Book: every step, in its order.

Each event of Sphinx has one handler here, which runs its steps one after another. They come before
MyST-NB's and the theme's own while a page is made, and after them when the build is finished.
"""

import os

from . import (
    api,
    assets,
    embeds,
    formulas,
    kept,
    languages,
    pages,
    publishing,
    python,
    sections,
)
from .execution import TIMEOUT, cache_folder


def say(text):
    """Say how far the build is, where `make` listens; the build's own words go to its log."""
    if "PROGRESS" in os.environ:
        os.write(int(os.environ["PROGRESS"]), text.encode())


def use_cache(app, config):
    """The chapters have been run already: execution.py, called by `make`."""
    config.nb_execution_cache_path = str(cache_folder())
    config.nb_execution_timeout = TIMEOUT


def begin(app, env):
    """Sphinx comes here only if a page is to be written: else the site is finished as it is."""
    app.writes = True
    language = app.config.language
    say("Writing the pages\n" if language == "en" else f"Writing the pages in {language}\n")


EARLY, LATE = 400, 900

STEPS = [
    ("config-inited", EARLY, [use_cache, assets.choose, publishing.set_address]),
    ("source-read", EARLY, [api.write, pages.mark_asides, languages.name_folds]),
    (
        "doctree-read",
        LATE,
        [
            pages.offer_targets,
            pages.pair_notes,
            pages.fold_asides,
            languages.note_catalogues,
            languages.name_parts,
        ],
    ),
    (
        "env-check-consistency",
        LATE,
        [begin, formulas.set_all, assets.write_host, formulas.copy_style, python.prepare],
    ),
    (
        "html-page-context",
        EARLY,  # before MyST-NB hands a page its widgets' state
        [
            assets.leave_out,
            pages.set_theme,
            pages.give_face,
            pages.size_images,
            pages.name_folds,
            pages.mark_keys,
            pages.mark_presses,
            assets.share_scripts,
            python.add_buttons,
            languages.link,
        ],
    ),
]

# Once all pages are written
FINISH = [
    *(languages.write_words, languages.write),
    *(pages.make_accessible, languages.name_theirs, pages.write_redirect),
    *(assets.slim, sections.write, python.finish, embeds.write, kept.drop_unused),
    *(publishing.add_wheel, publishing.open_notebooks, publishing.write_map),
    publishing.forget_pdf,
]


def in_order(steps):
    def handler(*arguments):
        for step in steps:
            step(*arguments)

    return handler


def finish(app, exception):
    if exception is None and app.writes:
        for step in FINISH:
            step(app)


def setup(app):
    # A setting that Jupyter Book always passes on to an extension this book does without
    app.add_config_value("comments_config", {}, "")
    app.say, app.writes = say, False
    app.add_config_value("translated", [], "")  # a language's pages: see languages.py
    app.add_builder(languages.TranslatedBuilder)
    app.add_html_math_renderer("katex", (formulas.visit_inline, None), (formulas.visit_block, None))
    for event, priority, steps in STEPS:
        app.connect(event, in_order(steps), priority)
    app.connect("build-finished", finish, LATE)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
