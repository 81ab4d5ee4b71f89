"""Lay out a directed graph in columns, left to right: ranks, few crossings, no overlaps.

The classic four steps. A node's rank is the longest path that leads to it; edges that skip a rank
get a stand-in in each rank they pass, so that nothing lies over them; sweeps of barycentres order
each rank; and each node then goes as near to its neighbours' middle as order and distance allow.

Source: Sugiyama, Tagawa & Toda 1981, "Methods for Visual Understanding of Hierarchical System
Structures".
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

SWEEPS = 12  # of ordering and of placing; the book's graphs settle in fewer
THIN = 12.0  # the height kept free for an edge that passes a rank
STIFF = 8.0  # how much more a passing edge wants to be straight than a node wants its middle


class Box(NamedTuple):
    """A node's place: its rank, its left top corner, its width and height."""

    rank: int
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Layout:
    """``boxes``: node -> `Box`. ``routes``: for each edge, the points it goes through, rightwards.

    ``ranks`` is the number of columns; ``width`` and ``height`` hold everything. A point of a route
    is ``(rank, x, y)``; a drawing with more room may shift each rank ``k`` by ``k`` times a gap.
    """

    boxes: dict
    routes: list
    ranks: int
    width: float
    height: float


def layered(edges, sizes, *, gap=24.0, space=14.0, series=None):
    """Place the nodes of a directed graph without cycles.

    Parameters
    ----------
    edges : list of (source, target); an edge may be there twice
    sizes : node -> (width, height), in the order in which nodes should lie where all else is
        equal; units are whatever the drawing uses (pixels)
    gap : free width between two ranks
    space : free height between two nodes of a rank
    series : node -> (name, number), for nodes like x1, x2, x3: those of one name keep the order
        of their numbers, and begin in one rank

    Returns a `Layout`. Raises ValueError for an edge with an unknown end, and for a cycle.
    """
    for edge in edges:
        if not {*edge} <= sizes.keys():
            raise ValueError(f"edges: {edge} has an end that is not a node")
    series = dict(series or {})
    rank = _ranks(edges, list(sizes), series)
    chains = [_chain(k, edge, rank) for k, edge in enumerate(edges)]
    ranks = 1 + max(rank.values(), default=-1)
    rows = [[node for node in sizes if rank[node] == r] for r in range(ranks)]
    for chain in chains:
        for stand_in in chain[1:-1]:
            rows[stand_in[2]].append(stand_in)
    before, after = {}, {}
    for chain in chains:
        for a, b in pairwise(chain):
            after.setdefault(a, []).append(b)
            before.setdefault(b, []).append(a)
    rows = _in_series(_order(rows, before, after), edges, series)
    height = {node: h for node, (_, h) in sizes.items()}
    middle = _place(rows, before, after, height, space)
    return _measure(sizes, edges, rank, rows, chains, middle, height, gap)


def _ranks(edges, nodes, series):
    """The longest path to each node; a source, or a series of them, is right before the first
    that needs it.
    """
    sources, targets = {n: [] for n in nodes}, {n: [] for n in nodes}
    for a, b in edges:
        sources[b].append(a)
        targets[a].append(b)
    waiting = {n: len(sources[n]) for n in nodes}
    ready, rank = [n for n in nodes if not waiting[n]], {}
    while ready:
        node = ready.pop()
        rank[node] = 1 + max((rank[a] for a in sources[node]), default=-1)
        for b in targets[node]:
            waiting[b] -= 1
            if not waiting[b]:
                ready.append(b)
    if len(rank) < len(nodes):
        raise ValueError(f"edges: a cycle goes through {[n for n in nodes if n not in rank]}")
    first = {}
    for node in nodes:
        if not sources[node] and targets[node]:
            rank[node] = min(rank[b] for b in targets[node]) - 1
            name = series.get(node, (node,))[0]
            first[name] = min(rank[node], first.get(name, rank[node]))
    for node in nodes:
        if not sources[node] and targets[node]:
            rank[node] = first[series.get(node, (node,))[0]]
    return rank


def _chain(k, edge, rank):
    """An edge as source, stand-ins ``("edge", k, rank)`` for the ranks it passes, target."""
    a, b = edge
    return [a, *(("edge", k, r) for r in range(rank[a] + 1, rank[b])), b]


def crossings(rows, after):
    """How many pairs of edges between neighbouring ranks cross in this order."""
    count = 0
    for left, right in pairwise(rows):
        at = {node: i for i, node in enumerate(right)}
        ends = [sorted(at[b] for b in after.get(a, ())) for a in left]
        for i, upper in enumerate(ends):
            count += sum(p > q for lower in ends[i + 1 :] for p in upper for q in lower)
    return count


def _order(rows, before, after):
    """Sort each rank by the mean place of its neighbours, to and fro; keep the best order met."""
    best, fewest = rows, crossings(rows, after)
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        near = before if forth else after
        rows = [list(row) for row in rows]
        for r in range(1, len(rows)) if forth else range(len(rows) - 2, -1, -1):
            known = rows[r - 1] if forth else rows[r + 1]
            at = {node: i for i, node in enumerate(known)}
            # A node with no neighbour there keeps its place among the others
            mean = {n: _mean([at[k] for k in near.get(n, ())], i) for i, n in enumerate(rows[r])}
            rows[r].sort(key=mean.get)
        count = crossings(rows, after)
        if count < fewest:
            best, fewest = rows, count
    return best


def _in_series(rows, edges, series):
    """Members of a series keep its order, at the places that they have among the others."""

    def of(node):
        if node in series or not (isinstance(node, tuple) and node[0] == "edge"):
            return series.get(node)
        (a, i), (b, j) = (series.get(end, (end, None)) for end in edges[node[1]])
        return None if i is None else (("edge", a, b), (i, j or 0))

    for row in rows:
        groups = {}
        for place, node in enumerate(row):
            if of(node):
                groups.setdefault(of(node)[0], []).append(place)
        for places in groups.values():
            members = sorted((row[place] for place in places), key=lambda node: of(node)[1])
            for place, node in zip(places, members, strict=True):
                row[place] = node
    return rows


def _mean(values, otherwise):
    return sum(values) / len(values) if values else otherwise


def _place(rows, before, after, height, space):
    """The middle of each node: the order stays, neighbours pull, nothing touches."""
    middle = {}

    def apart(a, b):
        # An edge that passes needs less air than a node does
        air = space if a in height and b in height else space / 2
        return (height.get(a, THIN) + height.get(b, THIN)) / 2 + air

    for row in rows:
        at = 0.0
        for i, node in enumerate(row):
            at += apart(row[i - 1], node) if i else 0.0
            middle[node] = at
        for node in row:
            middle[node] -= at / 2
    for sweep in range(2 * SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            offsets, wanted, weights = [], [], []
            for i, node in enumerate(row):
                offsets.append(offsets[-1] + apart(row[i - 1], node) if i else 0.0)
                near = [*before.get(node, ()), *after.get(node, ())]
                pull = [STIFF if {n, node}.isdisjoint(height) else 1.0 for n in near]
                total = sum(p * middle[n] for p, n in zip(pull, near, strict=True))
                weights.append(sum(pull) or 0.01)
                wanted.append(total / weights[-1] if near else middle[node])
            free = [w - o for w, o in zip(wanted, offsets, strict=True)]
            for node, offset, at in zip(row, offsets, _isotonic(free, weights), strict=True):
                middle[node] = at + offset
    _straighten(rows, after, middle, height, apart)
    return middle


def _straighten(rows, after, middle, height, apart):
    """Give the stand-ins of one edge one height, where the neighbours leave room for it."""
    limits = {}
    for row in rows:
        for upper, lower in pairwise(row):
            limits.setdefault(lower, []).append((upper, 1, apart(upper, lower)))
            limits.setdefault(upper, []).append((lower, -1, apart(upper, lower)))
    for start in [n for row in rows for n in row if n in height]:
        for node in after.get(start, ()):
            chain = [node]
            while chain[-1] not in height:
                chain += after[chain[-1]]
            passing = chain[:-1]
            for y in sorted({middle[n] for n in passing}, key=lambda y: abs(y - middle[start])):
                if all(
                    (y - middle[other]) * side >= air - 1e-9
                    for n in passing
                    for other, side, air in limits.get(n, ())
                ):
                    middle.update(dict.fromkeys(passing, y))
                    break


def _isotonic(values, weights):
    """The non-decreasing sequence nearest to ``values`` in weighted least squares."""
    blocks = []  # [mean, weight, length]: neighbours out of order are pooled
    for value, weight in zip(values, weights, strict=True):
        blocks.append([value, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            v, w, n = blocks.pop()
            u, p, k = blocks.pop()
            blocks.append([(u * p + v * w) / (p + w), p + w, k + n])
    return [value for value, _, length in blocks for _ in range(length)]


def _measure(sizes, edges, rank, rows, chains, middle, height, gap):
    """From ranks and middles to corners and routes, all of it right of and below (0, 0)."""
    top = min((middle[n] - height.get(n, THIN) / 2 for n in middle), default=0.0)
    bottom = max((middle[n] + height.get(n, THIN) / 2 for n in middle), default=0.0)
    widths = [max((sizes[n][0] for n in row if n in sizes), default=0.0) for row in rows]
    left = [sum(widths[:r]) + r * gap for r in range(len(rows))]
    boxes = {}
    for node, (w, h) in sizes.items():
        r = rank[node]
        boxes[node] = Box(r, left[r] + (widths[r] - w) / 2, middle[node] - h / 2 - top, w, h)

    # Edges leave and enter a node at places of their own, in the order of their other ends
    leaves, enters = {}, {}
    for k, (a, b) in enumerate(edges):
        leaves.setdefault(a, []).append((middle[chains[k][1]], k))
        enters.setdefault(b, []).append((middle[chains[k][-2]], k))

    def ports(at):
        return {
            k: boxes[n].y + boxes[n].h * (i + 1) / (len(ends) + 1)
            for n, ends in at.items()
            for i, (_, k) in enumerate(sorted(ends))
        }

    out, into = ports(leaves), ports(enters)
    routes = []
    for k, (a, b) in enumerate(edges):
        route = [(rank[a], boxes[a].x + boxes[a].w, out[k])]
        for stand_in in chains[k][1:-1]:
            r, y = stand_in[2], middle[stand_in] - top
            route += [(r, left[r], y), (r, left[r] + widths[r], y)]
        routes.append([*route, (rank[b], boxes[b].x, into[k])])
    width = left[-1] + widths[-1] if rows else 0.0
    return Layout(boxes, routes, len(rows), width, bottom - top)
