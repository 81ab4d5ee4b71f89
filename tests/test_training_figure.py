"""Training in the page: the steps of NumPy, on a page that stays smooth; it stops unseen."""

import re

import ipywidgets
import numpy as np
import pytest
from node import run
from playwright.sync_api import expect
from stage import frame, get, put, settle, slide, sound, to_their_ends

import batchnorm as bn
from batchnorm.figures import TrainingFigure, controls
from batchnorm.training import Descent, Net, clusters, spirals

DATA = spirals(m=64, seed=3)
SMALL = (2, 6, 5, 2)
BATCH = Net(SMALL, "batch")
VARIANTS = {
    "no normalization": Net(SMALL, "none"),
    "batch norm": BATCH,
    "mean's path cut": (BATCH, dict(cut_mean=True)),
    "variance's path cut": (BATCH, dict(cut_variance=True)),
    "both paths cut": (BATCH, dict(cut_mean=True, cut_variance=True)),
    "noisy batch norm": Net(SMALL, "noisy"),
    "layer norm": Net(SMALL, ("layer", "batch"), "tanh"),
}
# A decay that overshoots: every step multiplies the weights, until they are beyond all numbers
WILD = dict(rate=10.0, weight_decay=1e3, steps=60)
TAME = (BATCH, dict(rate=0.1, weight_decay=0.0))
THREE = {name: VARIANTS[name] for name in ("no normalization", "batch norm", "mean's path cut")}
HOW = dict(seed=5, rate=0.2, batch_size=24, momentum=0.6, weight_decay=0.003, eps=1e-3, noise=0.3)


def figure_of(variants=THREE, **settings):
    return TrainingFigure(variants, DATA, **{"batch_size": 24, **settings})


# Merges as the kit does, with a store that keeps; brings the descents as far as `stops` say
TRAIN = """(model, inputs, stops) => {
  inputs.samples = new DataView(Uint8Array.from(inputs.samples).buffer);
  const kept = new Map();
  const keep = (name, from, make) => {
    const old = kept.get(name);
    if (old && from.every((v, i) => v === old.from[i])) return old.value;
    kept.set(name, { from, value: make() });
    return kept.get(name).value;
  };
  const plain = ({ trainer, ...rest }) => rest; // the trainer goes on: what it holds is copied
  return stops.map((steps) => {
    const at = { ...inputs, steps };
    model.analyse(at, keep).trainer.run(steps);
    const { taken, done, runs, boundaries } = structuredClone(plain(model.analyse(at, keep)));
    const out = model.outputs({ taken, done, runs });
    return { taken, done, runs, boundaries, handed: Object.keys(out), out: { ...out, _losses: 0 } };
  });
}"""


def in_the_page(figure, *stops):
    inputs = {name: getattr(figure, name) for name in figure.inputs}
    inputs["samples"] = list(figure.samples)
    (answer,) = run("figures/training/model.js", TRAIN, [inputs, list(stops)])
    return answer


# The model, in Node.js ---------------------------------------------------------------------------


def test_training_in_the_page_is_training_in_numpy():
    figure = figure_of(VARIANTS, **HOW)
    (there,) = in_the_page(figure, 200)
    assert there["taken"] == 200
    for (name, given), page in zip(VARIANTS.items(), there["runs"], strict=True):
        net, own = given if isinstance(given, tuple) else (given, {})
        descent = Descent(net, DATA, **HOW, **own).train(200)
        assert descent.diverged is None
        assert page["name"] == name
        assert page["losses"] == pytest.approx(descent.losses, abs=1e-6), name
        assert page["now"]["accuracy"] == pytest.approx(descent.score()[1], abs=1e-12), name


def test_both_hand_back_the_same():
    figure = figure_of(VARIANTS, **HOW, steps=30)
    (there,) = in_the_page(figure, 30)
    assert there["handed"] == ["taken", "diverged", "now", "_losses"]
    assert there["out"]["taken"] == figure.taken == 30
    assert there["out"]["diverged"] == figure.diverged == dict.fromkeys(VARIANTS)
    for name, now in figure.now.items():
        for what, value in there["out"]["now"][name].items():
            same = now[what] is None if value is None else now[what] == pytest.approx(value)
            assert same or abs(now[what] - value) < 1e-9, (name, what)
    for (name, losses), page in zip(figure.losses.items(), there["runs"], strict=True):
        np.testing.assert_allclose(losses, page["losses"], rtol=1e-6, err_msg=name)
    # a bias below the mean's subtraction moves only where the mean's path is cut
    assert figure.now["batch norm"]["drift"] < 1e-12 < figure.now["mean's path cut"]["drift"]
    assert figure.now["batch norm"]["angle"] is None
    assert 0 < figure.now["both paths cut"]["angle"] < 180


def test_steps_go_on_and_back():
    figure = figure_of()
    five, nine, two, nought = in_the_page(figure, 5, 9, 2, 0)
    assert [at["taken"] for at in (five, nine, two, nought)] == [5, 9, 2, 0]
    for run_5, run_9, run_2 in zip(five["runs"], nine["runs"], two["runs"], strict=True):
        assert run_9["losses"][:5] == run_5["losses"]
        assert run_9["losses"][:2] == run_2["losses"]
        assert run_9["now"]["length"] != run_5["now"]["length"]


def test_a_diverged_variant_stays_behind_and_nothing_is_nan():
    figure = figure_of({**THREE, "small": TAME}, **WILD)
    (there,) = in_the_page(figure, 60)
    assert there["taken"] == figure.taken == 60
    ends = {page["name"]: page["diverged"] for page in there["runs"]}
    assert ends == figure.diverged == there["out"]["diverged"]
    assert ends["no normalization"] < 60
    assert ends["small"] is None
    for page in there["runs"]:
        assert len(page["losses"]) == (60 if page["diverged"] is None else page["diverged"])
        assert np.isfinite(page["losses"]).all()
        assert all(v is None or np.isfinite(v) for v in page["now"].values())
    assert all(np.isfinite(seen["leads"]).all() for seen in there["boundaries"])
    assert {name: len(path) for name, path in figure.losses.items()} == {
        name: 60 if end is None else end for name, end in ends.items()
    }


def test_a_rate_far_too_high_is_no_divergence():
    """Logits beyond exp's range are numbers, and so is their loss; in the page as in NumPy."""
    figure = figure_of(rate=1e5, steps=40)
    (there,) = in_the_page(figure, 40)
    assert there["out"]["diverged"] == figure.diverged == dict.fromkeys(THREE)
    for (name, losses), page in zip(figure.losses.items(), there["runs"], strict=True):
        np.testing.assert_allclose(losses[:3], page["losses"][:3], rtol=1e-6, err_msg=name)
        assert max(losses[:4]) > 1e6
    assert figure_of({"wild": THREE["batch norm"]}, **WILD).losses["wild"].max() < np.inf


def test_the_boundary_is_that_of_evaluation_mode():
    figure = figure_of(steps=40)
    (there,) = in_the_page(figure, 40)
    boundary = there["boundaries"][1]
    n, (left, right, low, high) = boundary["n"], boundary["extent"]
    u, v = np.meshgrid(np.linspace(left, right, n), np.linspace(low, high, n))
    descent = Descent(BATCH, DATA, batch_size=24).train(40)
    x = np.stack([u.ravel(), v.ravel()], axis=1)
    z, _ = BATCH.logits(x, descent.parameters, 1e-5, descent.statistics)
    np.testing.assert_allclose(boundary["leads"][0], z[:, 0] - z[:, 1], atol=1e-9)
    assert left < DATA.x[:, 0].min() < DATA.x[:, 0].max() < right


CHANGES = [
    dict(steps=0),
    *(dict(rate=2.0), dict(momentum=0.5), dict(seed=3), dict(noise=1.0), dict(batch_size=40)),
    *(dict(steps=7), dict(steps=25), dict(eps=0.5), dict(steps=0), dict(noise=0.2)),
    *(dict(batch_size=24), dict(seed=0), dict(eps=1e-5), dict(steps=7, rate=0.5), dict(rate=2.0)),
    HOW | WILD | dict(steps=43),  # by then some have diverged
    *(dict(steps=60), dict(rate=1e308, steps=0), dict(steps=5)),  # at once
]


def test_what_is_kept_is_what_would_be_computed():
    """Whatever changes, in which order: all that is shown is what a page would show that begins."""
    noisy = VARIANTS["noisy batch norm"]
    more = {"larger eps": (BATCH, dict(eps=1.0)), "cut": (noisy, dict(cut_mean=True))}
    figure = figure_of(VARIANTS | more, **HOW)
    inputs = {name: getattr(figure, name) for name in figure.inputs}
    inputs["samples"] = list(figure.samples)
    (pairs,) = run(
        ["figures/training/model.js", "figures/kit/memo.js"],
        """({ memoizer, ...model }, inputs, changes) => {
          const samples = new DataView(Uint8Array.from(inputs.samples).buffer);
          const text = ({ runs, boundaries }) =>
            JSON.stringify([runs.map(({ now }) => now), boundaries]);
          const trained = (given, keep) => {
            const { trainer } = model.analyse(given, keep);
            trainer.run(given.steps);
            return trainer;
          };
          const kept = memoizer();
          let now = { ...inputs, samples };
          return changes.map((change) => {
            now = { ...now, ...change };
            trained(now, kept);
            const trainer = trained(now, memoizer());
            const only = (name, from, make) => (name === "trainer" ? trainer : make());
            return [kept, only].map((keep) => text(model.analyse(now, keep)));
          });
        }""",
        [inputs, CHANGES],
    )
    for change, (kept, computed) in zip(CHANGES, pairs, strict=True):
        assert kept == computed, change
    assert len({computed for _, computed in pairs}) > len(CHANGES) / 2  # most show


def test_a_region_has_the_area_where_the_function_is_above_0():
    (d,) = run(
        "figures/kit/region.js",
        """({ regionOf }) => {
          const f = new Float64Array(36);
          for (let i = 0; i < 36; i++) f[i] = 2.25 - (i % 6) + 0.5 * Math.floor(i / 6);
          return regionOf(f, 6, (i) => 100 * i, (k) => 100 * k);
        }""",
        [],
    )
    area = 0.0
    for part in d.strip("MZ").split("ZM"):
        points = np.array([[float(v) for v in p.split(" ")] for p in part.split("L")])
        x, y = points.T
        area += abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    # under x < 2.25 + y / 2, from y = 0 to 5: the mean of 2.25 and 4.75, times 5
    assert area / 1e4 == pytest.approx(17.5, abs=0.01)


# In Python ---------------------------------------------------------------------------------------


def test_more_steps_go_on_from_where_it_stands():
    figure = figure_of(steps=10)
    first = figure.losses["batch norm"].copy()
    figure.steps = 20
    assert figure.losses["batch norm"][:10].tolist() == first.tolist()
    assert figure_of(steps=20).losses["batch norm"].tolist() == figure.losses["batch norm"].tolist()
    figure.steps = 0
    assert figure.losses["batch norm"].size == 0
    assert figure.taken == 0


def test_what_the_page_hands_back_is_read():
    figure = figure_of(dict(plain=Net(SMALL, "none"), batch=BATCH))
    sent = np.array([0.5, 0.25, 0.7, 0.6, 0.5], "<f4")
    state = dict(rate=3.0, steps=3, taken=3, diverged=dict(plain=2, batch=None))
    figure.set_state(state | {"_losses": memoryview(sent.tobytes())})
    assert figure.losses["plain"].tolist() == sent[:2].tolist()
    assert figure.losses["batch"].tolist() == sent[2:].tolist()


def test_nets_that_differ_only_in_cuts_share_their_graphs():
    figure = figure_of(VARIANTS)
    assert len(figure.problem["nets"]) == 4
    assert len(str(figure.problem)) < 32_000
    assert figure.plots == ["loss", "boundary", "drift", "length", "angle"]
    other = TrainingFigure(dict(plain=Net((64, 8, 10))), clusters(m=80, classes=10))
    assert other.plots == ["loss", "drift", "length"]


class Squared(Net):
    """A net of one's own: what its loss says is traced."""

    def loss(self, x, target, eps, **rest):
        z, found = self.logits(x, rest, eps)
        loss = np.mean((z - target) ** 2)
        return loss, *(value for pair in found.values() for value in pair)


def test_a_function_of_one_s_own_is_traced():
    figure = figure_of(dict(own=Squared(SMALL)), steps=12)
    (there,) = in_the_page(figure, 12)
    np.testing.assert_allclose(there["runs"][0]["losses"], figure.losses["own"], rtol=1e-6)
    other = Descent(BATCH, DATA, batch_size=24).train(12)
    assert not np.allclose(other.losses, figure.losses["own"])


def test_it_says_what_is_wrong():
    with pytest.raises(ValueError, match="variants: got none"):
        figure_of({})
    with pytest.raises(ValueError, match="odd: a variant takes no speed"):
        figure_of(dict(odd=(BATCH, dict(speed=3))))
    with pytest.raises(ValueError, match="a variant takes no seed"):
        figure_of(dict(odd=(BATCH, dict(seed=3))))
    with pytest.raises(ValueError, match="the graph has no edge"):
        figure_of(dict(odd=(BATCH, dict(cut=[(1, 5)]))))
    with pytest.raises(ValueError, match="plots: got 'angle', want some of loss, boundary"):
        figure_of(dict(plain=BATCH), plots=["angle"])
    with pytest.raises(ValueError, match="batch_size: got 65, want 1 to 64"):
        figure_of(batch_size=65)
    with pytest.raises(ValueError, match="chosen: got 3, want 0 to 2"):
        figure_of(chosen=3)
    with pytest.raises(ValueError, match=r"rate: got -1\.0, want a finite number >= 0"):
        figure_of(rate=-1.0)


# On the page -------------------------------------------------------------------------------------


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def count(page):
    """The number of steps that the page says."""
    return int(page.locator(".count").text_content().split(",")[0].split()[1])


def test_runs_pauses_steps_and_goes_back(show):
    figure = figure_of(most=100_000)
    page = show(figure)
    verdict = page.locator(".verdict")
    expect(verdict).to_have_text("Nothing has been trained yet: press Run.")
    for steps in (1, 2, 3):
        press(page, "Step")
        expect(page.locator(".count")).to_have_text(f"step {steps}, seed 0")
    settle(page, figure, 3, "taken")
    press(page, "Run")
    page.wait_for_function(
        "() => parseInt(document.querySelector('.count').innerText.slice(5)) > 9"
    )
    press(page, "Pause")
    expect(verdict).to_contain_text("has the lowest loss")
    stopped = count(page)
    frame(page)
    frame(page)
    assert count(page) == stopped
    settle(page, figure, stopped, "taken")
    descent = Descent(BATCH, DATA, batch_size=24).train(stopped)
    length = get(page, figure, "now")["batch norm"]["length"]
    assert length == pytest.approx(
        np.sqrt(sum((descent.parameters[f"w{k}"] ** 2).sum() for k in (1, 2, 3)))
    )
    press(page, "Reset")
    expect(page.locator(".count")).to_have_text("step 0, seed 0")
    settle(page, figure, 0, "taken")
    press(page, "New seed")
    expect(page.locator(".count")).to_have_text("step 0, seed 1")


def test_a_new_seed_or_setting_goes_as_far_as_before(show):
    figure = figure_of(steps=20)
    page = show(controls(figure, rate=(0.0, 1.0)))
    lengths = [figure.now["batch norm"]["length"]]
    told = page.locator(".verdict")
    for change in (lambda: press(page, "New seed"), lambda: slide(page, "learning rate", 0.7)):
        expect(told).to_contain_text("After 20 steps")
        change()
        page.wait_for_function(
            "([id, old]) => bnHost.models.get(id).get('now')['batch norm'].length !== old",
            arg=[figure.model_id, lengths[-1]],
        )
        lengths.append(get(page, figure, "now")["batch norm"]["length"])
    want = Descent(BATCH, DATA, batch_size=24, seed=1, rate=0.7).train(20)
    got = np.frombuffer(
        bytes(
            page.evaluate(
                "(id) => [...new Uint8Array(bnHost.models.get(id).get('_losses').buffer)]",
                figure.model_id,
            )
        ),
        "<f4",
    )
    assert got[20:40] == pytest.approx(want.losses, rel=1e-6)


def test_a_divergence_is_said_and_the_rest_goes_on(show):
    figure = figure_of({**THREE, "small": TAME}, **WILD)
    page = show(figure)
    expect(page.locator(".verdict")).to_contain_text("After 60 steps small has the lowest loss")
    end = figure.diverged["no normalization"]
    expect(page.locator(".verdict")).to_contain_text(f"no normalization diverged at step {end}")
    expect(page.locator("[data-key='diverged 0']")).to_have_text(f"diverged at step {end}")
    assert sound(page)


def test_every_slider_to_its_ends(show):
    figure = figure_of(VARIANTS, steps=3)
    wide = dict(
        rate=ipywidgets.FloatLogSlider(min=-4, max=8), eps=ipywidgets.FloatLogSlider(min=-12, max=2)
    )
    box = controls(
        figure, **wide, batch_size=(1, 64), noise=(0.0, 20.0), momentum=(0.0, 1.0), chosen=(0, 6)
    )
    page = show(box)
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        to_their_ends(page)
        expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
        assert sound(page)


def test_it_stops_out_of_sight(show):
    figure = figure_of(most=100_000)
    page = show(figure, tags="<p style='height: 400vh'>What follows.</p>")
    press(page, "Run")
    page.wait_for_function(
        "() => parseInt(document.querySelector('.count').innerText.slice(5)) > 3"
    )
    page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
    # An observer tells of it within a frame or two: from then on nothing is analysed
    page.wait_for_function(
        """() => new Promise((done) => {
          const before = bnCounts.analysis;
          requestAnimationFrame(() => requestAnimationFrame(() =>
            requestAnimationFrame(() => done(bnCounts.analysis === before))));
        })"""
    )
    stopped = count(page)
    for _ in range(5):
        frame(page)
    assert count(page) == stopped
    page.evaluate("() => scrollTo(0, 0)")
    page.wait_for_function(
        "(n) => parseInt(document.querySelector('.count').innerText.slice(5)) > n", arg=stopped
    )


# Trains to the end and goes back to the start, so many times; gives the analyses made at rest
ROUNDS = """async (rounds) => {
  const frame = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
  const press = async (name, text) => {
    [...document.querySelectorAll("button")].find((b) => b.textContent === name).click();
    while (document.querySelector(".count").textContent !== text) await frame();
  };
  let late = 0;
  for (let k = 0; k < rounds; k++) {
    await press("Run", "step 2, seed 0");
    const before = bnCounts.analysis;
    for (let i = 0; i < 3; i++) await frame();
    late += bnCounts.analysis - before;
    await press("Reset", "step 0, seed 0");
  }
  return late;
}"""


def test_a_page_that_trains_for_hours_does_not_grow(show, page):
    show(figure_of(dict(plain=Net((2, 3, 2), "batch")), most=2))
    cdp = page.context.new_cdp_session(page)

    def measured():
        assert page.evaluate(ROUNDS, 10) == 0  # at rest nothing is analysed
        for _ in range(2):
            cdp.send("HeapProfiler.collectGarbage")
        counters = cdp.send("Memory.getDOMCounters")
        heap = cdp.send("Runtime.getHeapUsage")
        held = heap["usedSize"] + heap["backingStorageSize"]  # objects, and the numbers of arrays
        return np.array([counters["nodes"], counters["jsEventListeners"], held])

    page.evaluate(ROUNDS, 30)  # by then what is made once has been made
    # A picture has a hundred nodes; its boundary alone, 27 000 bytes. What is held in each round
    # grows every time; what a busy browser compiles or collects late does not
    seen = [measured()]
    for _ in range(5):
        seen.append(measured())
        if (seen[-1] - seen[-2] < [60, 1, 150_000]).all():
            return
    pytest.fail(f"nodes, listeners, bytes: {seen}")


# Every count of steps that is shown
NOTE = """() => {
  window.counts = [];
  const note = () => {
    const text = document.querySelector(".count")?.textContent;
    if (text && text !== counts.at(-1)) counts.push(text);
  };
  new MutationObserver(note).observe(document, { subtree: true, childList: true });
}"""


def test_less_motion_shows_the_end_at_once_and_moves_when_asked(show, page):
    page.emulate_media(reduced_motion="reduce")
    page.add_init_script(f"({NOTE})()")
    show(figure_of(steps=100, most=100_000))
    seen = page.locator(".count")
    expect(seen).to_have_text("step 100, seed 0")
    expect(page.locator(".verdict")).to_contain_text("After 100 steps")
    assert page.evaluate("() => counts") == ["step 0, seed 0", "step 100, seed 0"]
    press(page, "New seed")
    expect(seen).to_have_text("step 100, seed 1")
    assert page.evaluate("() => counts.slice(2)") == ["step 0, seed 1", "step 100, seed 1"]
    press(page, "Run")
    page.wait_for_function("() => counts.length > 8")
    press(page, "Pause")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()


def test_who_prints_what_was_not_in_sight_gets_it_trained(show, page):
    show(figure_of(steps=100), above="<p style='height: 400vh'>What comes first.</p>")
    seen = page.locator(".count")
    expect(seen).to_have_text("step 0, seed 0")
    page.pdf()
    expect(seen).to_have_text("step 100, seed 0")
    # In the picture, too: its curves end where the axis does
    ends = page.locator("[data-key='loss curve 1']").get_attribute("d")
    assert len(ends.split("L")) > 20


def test_a_button_chooses_which_variant_stands_out(show):
    figure = figure_of(steps=5)
    page = show(figure)
    chosen = page.get_by_role("button", name="mean's path cut")
    expect(chosen).to_have_attribute("aria-pressed", "false")
    chosen.focus()
    page.keyboard.press("Enter")
    expect(chosen).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-key='plane 2 frame']")).to_have_class("chosen")
    expect(page.locator("[data-key='loss curve 2']")).to_have_class(re.compile("strong"))
    settle(page, figure, 2, "chosen")


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_one_view(show, size):
    page = show(controls(figure_of(VARIANTS, steps=12), rate=(0.0, 1.0), batch_size=(4, 64)))
    page.set_viewport_size({"width": size[0], "height": size[1]})
    expect(page.locator(".verdict")).to_contain_text("After 12 steps")
    frame(page)
    picture = page.locator(".bn-picture").bounding_box()
    assert picture["y"] + picture["height"] <= size[1]
    assert page.evaluate("() => document.documentElement.scrollWidth") <= size[0]


def test_python_moves_the_page(show):
    figure = figure_of()
    page = show(figure)
    put(page, figure, 7, "steps")
    expect(page.locator(".count")).to_have_text("step 7, seed 0")
    settle(page, figure, 7, "taken")


def test_it_stands_in_the_package():
    assert bn.TrainingFigure is TrainingFigure
    assert repr(figure_of(rate=0.25)) == "TrainingFigure(seed=0, rate=0.25)"
