"""The layout of graphs: nothing overlaps, every edge goes right, few edges cross."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchnorm.graph.layout import _isotonic, crossings, layered


@st.composite
def graphs(draw):
    """A graph without cycles of up to 40 nodes of many sizes; edges may stand there twice."""
    count = draw(st.integers(0, 40))
    side = st.floats(5, 120)
    sizes = {f"n{i}": (draw(side), draw(side)) for i in range(count)}
    edges = []
    for i in range(1, count):
        sources = draw(st.lists(st.integers(0, i - 1), max_size=3))
        edges += [(f"n{j}", f"n{i}") for j in sources]
    return edges, sizes


def overlap(a, b):
    return (
        a.x < b.x + b.w - 1e-6
        and b.x < a.x + a.w - 1e-6
        and a.y < b.y + b.h - 1e-6
        and b.y < a.y + a.h - 1e-6
    )


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_any_graph_is_laid_out_soundly(graph):
    edges, sizes = graph
    layout = layered(edges, sizes, gap=20, space=10)
    boxes = layout.boxes
    assert boxes.keys() == sizes.keys()
    for node, (w, h) in sizes.items():
        box = boxes[node]
        assert (box.w, box.h) == (w, h)
        assert -1e-6 <= box.x <= layout.width - w + 1e-6
        assert -1e-6 <= box.y <= layout.height - h + 1e-6
    assert not any(overlap(a, b) for a, b in combinations(boxes.values(), 2))
    assert len(layout.routes) == len(edges)
    for (source, target), route in zip(edges, layout.routes, strict=True):
        a, b = boxes[source], boxes[target]
        assert b.rank > a.rank
        assert b.x >= a.x + a.w + 20 - 1e-6
        assert route[0][:2] == (a.rank, a.x + a.w)
        assert route[-1][:2] == (b.rank, b.x)
        assert a.y < route[0][2] < a.y + a.h
        assert b.y < route[-1][2] < b.y + b.h
        assert all(p[0] <= q[0] and p[1] <= q[1] for p, q in pairwise(route))
        # Past a column an edge goes level, and through no node
        for (rank, x, y), (_, _, y_next) in zip(route[1:-1:2], route[2:-1:2], strict=True):
            assert y == y_next
            for box in boxes.values():
                if box.rank == rank:
                    assert box.x + box.w >= x
                    assert not box.y - 1e-6 < y < box.y + box.h + 1e-6


@settings(max_examples=30, deadline=None)
@given(graphs())
def test_edges_of_one_node_leave_and_enter_at_places_of_their_own(graph):
    edges, sizes = graph
    routes = layered(edges, sizes).routes
    for end, side in ((0, 0), (1, -1)):
        places = [(edge[end], route[side][2]) for edge, route in zip(edges, routes, strict=True)]
        assert len(set(places)) == len(places)


def test_ranks_are_longest_paths_and_sources_stand_by_their_use():
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("late", "c"), ("c", "d")]
    boxes = layered(edges, dict.fromkeys(["a", "b", "c", "d", "late"], (10, 10))).boxes
    ranks = {node: box.rank for node, box in boxes.items()}
    assert ranks == {"a": 0, "b": 1, "c": 2, "d": 3, "late": 1}


def test_what_need_not_cross_does_not_cross():
    # Three chains whose nodes are named in an order that crosses
    edges = [("a", "r"), ("b", "q"), ("c", "p"), ("p", "x"), ("q", "y"), ("r", "z")]
    sizes = dict.fromkeys("abcpqrxyz", (10, 10))
    boxes = layered(edges, sizes).boxes
    rows = [
        sorted((n for n in sizes if boxes[n].rank == r), key=lambda n: boxes[n].y)
        for r in (0, 1, 2)
    ]
    after = {}
    for a, b in edges:
        after.setdefault(a, []).append(b)
    assert crossings([list("abc"), list("pqr"), list("xyz")], after) == 3
    assert crossings(rows, after) == 0


def test_a_long_edge_is_straight_where_there_is_room():
    edges = [*pairwise("abcdef"), ("a", "f")]
    route = layered(edges, dict.fromkeys("abcdef", (10, 30))).routes[-1]
    assert len({y for _, _, y in route[1:-1]}) == 1


def test_the_nearest_ordered_sequence():
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=12), rng.uniform(0.5, 2, 12)
    got = np.array(_isotonic(values, weights))
    assert (np.diff(got) >= 0).all()
    best = np.sum(weights * (got - values) ** 2)
    for _ in range(2000):  # no ordered sequence nearby, or far, is nearer
        other = np.sort(got + rng.normal(scale=rng.choice([0.01, 0.3]), size=12))
        assert np.sum(weights * (other - values) ** 2) >= best - 1e-12


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"edges: \('a', 'z'\) has an end that is not a node"):
        layered([("a", "z")], {"a": (1, 1)})
    with pytest.raises(ValueError, match=r"edges: a cycle goes through \['a', 'b'\]"):
        layered([("a", "b"), ("b", "a")], dict.fromkeys("ab", (1, 1)))
