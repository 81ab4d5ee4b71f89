"""Names find places: none on another, none outside, each near what it names."""

from itertools import pairwise

import numpy as np
from node import run

TALL = 15


def states(n=200):
    """Rooms, marks in them (some in a heap, some on the edge), and names of any length."""
    rng = np.random.default_rng(0)
    for _ in range(n):
        width, height = rng.uniform(220, 700), rng.uniform(140, 400)
        count = int(rng.integers(1, 9))
        spread = rng.choice([0.0, 10.0, 100.0, 1000.0])
        middle = rng.uniform([0, 0], [width, height])
        at = np.clip(middle + spread * rng.normal(size=(count, 2)), 0, [width, height])
        normals = rng.normal(size=(count, 2))
        longs = rng.integers(1, 19, size=count) * 7.9
        yield [width, height, at.tolist(), normals.tolist(), longs.tolist()]


PLACE = """({ placer }, width, height, at, normals, longs) => {
  const names = placer({ left: 0, right: width, top: 0, bottom: height });
  for (const [x, y] of at) names.avoid(x, y, 5);
  return at.map((where, i) => names.find(where, normals[i], longs[i]));
}"""


def test_no_name_lies_on_another_or_outside_or_far_from_its_mark():
    cases = list(states())
    near = []
    for (width, height, at, _, _), found in zip(
        cases, run("figures/kit/labels.js", PLACE, *cases), strict=True
    ):
        boxes = np.array(found)
        assert (boxes[:, :2] >= -1e-9).all()
        assert (boxes[:, 2:] <= np.array([width, height]) + 1e-9).all()
        for i, a in enumerate(boxes):
            for b in boxes[i + 1 :]:
                common = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
                assert (common <= 1e-9).any(), (a, b)
        marks = np.array(at)
        gap = np.maximum(0, np.maximum(boxes[:, :2] - marks, marks - boxes[:, 2:]))
        near += np.hypot(*gap.T).tolist()
    assert max(near) < 110
    assert np.quantile(near, 0.9) < 40


def test_a_name_alone_stands_where_its_normal_points():
    ((box,),) = run("figures/kit/labels.js", PLACE, [400, 200, [[100, 100]], [[1, 0]], [50]])
    assert box[0] == 112
    assert box[1] + TALL / 2 == 100


def test_a_line_is_avoided_where_it_crosses_the_room_however_long_it_is():
    """A figure at its extremes has lines of 1e12 units, of which the room shows a few hundred."""
    ends = [[[-1e12, 100], [1e12, 100]], [[50, 100], [1e9, 100]], [[0, -1e9], [0, 1e9]]]
    ends += [[[20, 100], [380, 100]], [[1e12, 100], [20, 100]]]
    place = """({ placer }, line) => {
      const names = placer({ left: 0, right: 400, top: 0, bottom: 200 });
      names.avoidLine(line);
      return names.find([200, 100], [1, 0], 50);
    }"""
    boxes = run("figures/kit/labels.js", place, *([line] for line in ends))
    for line, (_, top, _, bottom) in zip(ends, boxes, strict=True):
        crossed = line[0][1] == line[1][1]
        assert (top >= 104 or bottom <= 96) == crossed, line


def test_heights_are_pushed_apart_as_little_as_can_be():
    rng = np.random.default_rng(1)
    cases = [[rng.uniform(0, 190, int(rng.integers(1, 9))).tolist(), 8, 186] for _ in range(200)]
    for (wanted, low, high), placed in zip(
        cases, run("figures/kit/labels.js", "apart", *cases), strict=True
    ):
        order = np.argsort(wanted, kind="stable")
        assert (np.diff(np.array(placed)[order]) >= TALL - 1e-9).all()
        assert min(placed) >= low - 1e-9
        assert max(placed) <= high + 1e-9
        # The least squares: with nothing pushed to an end, a block lies at the mean of its wishes
        inside = min(placed) > low + 1e-6 and max(placed) < high - 1e-6
        if inside:
            assert abs(np.sum(placed) - np.sum(wanted)) < 1e-6
        if all(b - a >= TALL for a, b in pairwise(sorted(wanted))) and inside:
            assert np.allclose(placed, wanted)


def test_one_huge_number_flattens_no_plot():
    many = np.linspace(-1, 3, 40).tolist()
    line = [*[0.0] * 40, *np.arange(40.0)]  # one curve stays at 0, the other one grows
    huge, none, both, last = run(
        "figures/kit/scale.js", "tame", [[*many, 1e21, np.inf]], [many], [line], [[0.0, 0.0, 5.0]]
    )
    assert huge == none == many
    assert both == line
    assert last == [0.0, 0.0, 5.0]
