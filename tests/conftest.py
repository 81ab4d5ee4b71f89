"""What several test files need: one browser a session, a fresh page a test, the built book."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Error, expect, sync_playwright

# What its assertions compare is shown, as it is of tests' own
pytest.register_assert_rewrite("stage")
from stage import COUNT, write  # noqa: E402

ROOT = Path(__file__).parents[1]

# A busy machine is slow, not broken. What is waited for may take its time: it costs nothing when it
# comes at once
expect.set_options(timeout=60_000)
settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    # The same examples each time, so that a failure is of the change at hand. New ones are looked
    # for once a week
    derandomize=not os.environ.get("EVERY_CHAPTER"),
)
settings.load_profile("patient")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOW = (
    "no browser: the browser tests did NOT run. Install Chromium with the system's packages "
    "(Debian: apt-get install chromium) or run: .venv/bin/playwright install chromium"
)


# The headless shell draws the same as a whole Chromium, and takes half the time or less
WHOLE = ["chromium", "chromium-browser"]
ANY = ["chromium-headless-shell", *WHOLE]


def launch(chromium, names=ANY, **options):
    """Starts the system's first Chromium of these names, or what Playwright installs."""
    system = next(filter(None, map(shutil.which, names)), None)
    return chromium.launch(executable_path=system, args=FLAGS, **options)


@pytest.fixture(scope="session")
def browser():
    """One Chromium for the session; without one its tests are skipped, or fail if required."""
    with sync_playwright() as playwright:
        try:
            chromium = launch(playwright.chromium)
        except Error as error:
            if os.environ.get("REQUIRE_BROWSER") == "1":
                pytest.fail(f"{HOW}\n{error}")
            pytest.skip(HOW)
        yield chromium
        chromium.close()


@contextmanager
def watched(browser):
    """An empty page, in which there may be no console error nor page error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(COUNT)
    errors = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(e.stack or str(e)))
    yield page
    context.close()
    assert errors == []


def opened(page, folder, *views, **options):
    """Opens a page with these views over file:// and waits for it; none may be named as missing."""
    page.goto(write(folder, *views, **options).as_uri())
    page.evaluate("() => bnHost.ready")
    assert page.locator(".bn-missing").all_text_contents() == []
    return page


@pytest.fixture
def page(browser):
    """An empty page; the test fails on any console error or page error."""
    with watched(browser) as page:
        yield page


@pytest.fixture
def show(page, tmp_path):
    """show(*views): the page with these views."""
    return partial(opened, page, tmp_path)


@pytest.fixture(scope="session")
def book():
    """The folder of the built book. Nothing is built here: without it, or older than its sources,
    the test fails."""
    venv = [f"VENV={sys.prefix}"] if Path(sys.prefix, ".installed").exists() else []
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--question", *venv, "_build/html/index.html"]
    if subprocess.run(command, cwd=ROOT, env=env, capture_output=True).returncode:
        pytest.fail("the book is not built, or older than its sources: run make book")
    return ROOT / "_build" / "html"


# The files that take longest. They begin first, so that no worker is left alone with one at the end
LONGEST = ["test_book", "test_state_in_link", "test_abuse", "test_embeds", "test_page_python"]
LONGEST += ["test_trouble", "test_own_code", "test_page_chapters", "test_languages"]
LONGEST += ["test_jupyterlab", "test_one_view", "test_claims", "test_host", "test_graph_figure"]
LONGEST += ["test_pages", "test_take"]


def pytest_collection_modifyitems(items):
    """Mark what needs a browser or the built book: -m "not browser" leaves it out."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))
    for item in items:
        if {"browser", "book"} & set(getattr(item, "fixturenames", [])):
            item.add_marker("browser")


def pytest_terminal_summary(terminalreporter):
    """Say so, loudly and last, when there was no browser to test in."""
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if HOW in str(r.longrepr)]
    if skipped:
        terminalreporter.section("THE BROWSER TESTS DID NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.write_line(f"{len(skipped)} tests skipped. {HOW}")
