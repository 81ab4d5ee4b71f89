"""Fixtures that more than one test file needs: one browser a session, a fresh page a test."""

import os
import shutil

import pytest

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


@pytest.fixture(scope="session")
def browser():
    """Chromium: the system's, else the one Playwright installs."""
    from playwright.sync_api import Error, sync_playwright

    system = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=system, args=FLAGS)
        except Error as error:
            if os.environ.get("REQUIRE_BROWSER") == "1":
                pytest.fail(f"{HOW}\n{error}")
            pytest.skip(HOW)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """An empty page; the test fails on any console error or page error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    yield page
    context.close()
    assert errors == []
