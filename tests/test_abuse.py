"""Each kind of figure, on a page from a file in the dark, is handled at random: no error, no broken
number, nothing piles up.

EVERY_CHAPTER=1 handles the figures of all pages. ABUSE=400 takes so many steps a page instead of
ten; SEED=7 takes others.
"""

import os
import random

import pytest
from stage import accessible, frame, resize, sound
from test_book import PAGES, handled, origins, stands, visit  # noqa: F401

pytestmark = pytest.mark.readers

STEPS = int(os.environ.get("ABUSE", "10"))
SEED = int(os.environ.get("SEED", "0"))
CONTROLS = ".bn-box :is(input, select, button):visible, .bn-figure button:visible"
HANDLES = ".bn-figure [role=slider]:visible"
KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"]


def drag_at_random(page, rng):
    """Pulls a handle somewhere, perhaps far outside of its figure."""
    handles = page.locator(HANDLES).all()
    if not handles:
        return
    handle = rng.choice(handles)
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    if not box:
        return
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for _ in range(rng.randint(1, 4)):
        page.mouse.move(rng.uniform(-200, 1500), rng.uniform(-200, 1000))
    page.mouse.up()


def press_at_random(page, rng):
    """Keys on a handle."""
    handles = page.locator(HANDLES).all()
    if handles:
        rng.choice(handles).focus()
        for _ in range(rng.randint(1, 6)):
            page.keyboard.press(rng.choice(["", "Shift+"]) + rng.choice(KEYS))


def operate_at_random(page, rng):
    """A control: a slider's or a number's value, a choice, a button."""
    controls = page.locator(CONTROLS).all()
    if not controls:
        return
    # The element itself: what is nth among those in sight may be another one in a moment
    control = rng.choice(controls).element_handle()
    kind = control.evaluate("(node) => node.type")
    if kind == "range":
        low, high = (float(control.get_attribute(end)) for end in ("min", "max"))
        control.fill(str(rng.choice([low, high, rng.uniform(low, high)])))
    elif kind == "number":
        control.fill(rng.choice(["0", "-1", "1e9", "1e-9", "", str(rng.uniform(-5, 5))]))
        control.press("Enter")
    elif kind == "select-one":
        control.select_option(index=rng.randrange(len(control.query_selector_all("option"))))
    else:
        control.click(force=True)
        page.keyboard.press("Escape")  # out of an enlarged figure


def resize_at_random(page, rng):
    page.set_viewport_size({"width": rng.choice([320, 390, 768, 1280, 1920]), "height": 800})


def turn_the_light(page, rng):
    theme = rng.choice(["light", "dark"])
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)


# Home and End scroll the page, frame by frame: what is clicked next may not be on its way
AT_REST = """() => new Promise((done) => {
  let last = NaN;
  const look = () => {
    if (scrollY === last) return done();
    last = scrollY;
    requestAnimationFrame(() => requestAnimationFrame(look));
  };
  look();
})"""

DEEDS = [drag_at_random] * 6 + [press_at_random] * 4 + [operate_at_random] * 8
DEEDS += [resize_at_random, turn_the_light]


class Held:
    """What a page holds on to, after its garbage has been collected."""

    def __init__(self, page):
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("Performance.enable")

    def look(self):
        self.cdp.send("HeapProfiler.collectGarbage")
        metrics = self.cdp.send("Performance.getMetrics")["metrics"]
        found = {metric["name"]: metric["value"] for metric in metrics}
        return found["JSEventListeners"], found["JSHeapUsedSize"] / 2**20


@pytest.mark.parametrize("name", [*filter(handled, PAGES)])
def test_random_handling_breaks_nothing(visit, name):  # noqa: F811
    page = visit(name, "file", "dark", 360)
    accessible(page)
    resize(page, 1280, 800)
    stands(page, name, "dark", loading=False)
    rng, held, done = random.Random(f"{SEED} {name}"), Held(page), []
    for step in range(STEPS):
        if step == STEPS // 3:  # by then every figure has been drawn in every state's way
            start = held.look()
        deed = rng.choice(DEEDS)
        done.append(deed.__name__)
        deed(page, rng)
        frame(page)
        page.evaluate(AT_REST)
        assert not visit.problems, (step, done[-5:])
        assert sound(page), (step, done[-5:])
    listeners, heap = held.look()
    assert listeners <= start[0] * 1.5 + 200
    assert heap <= start[1] * 1.5 + 8
