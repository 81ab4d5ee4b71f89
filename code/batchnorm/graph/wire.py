"""A graph as JSON: what goes over the wire to the page, and what is refused when it is read.

``{"nodes": [{"op": "input", "name": "x", "symbol": "x", "shape": [4]}, …], "outputs": [7]}``. An
operation's node has ``inputs``, the indices of earlier nodes, and its parameters: a reduction
``axis`` (null or a list) and ``keepdims``, a transpose ``axes``, a new shape ``to``, what picks and
writes its ``index`` (see `ops.shapes`), a joint ``axis``; a constant has its ``value``. ``wire.js``
refuses the same.
"""

import json
import math
import re
import sys
from collections.abc import Callable

import numpy as np

from .ops import OPS, UnknownOperation


def write(nodes, outputs):
    """The JSON of a graph. Raises ValueError for a constant that is infinite or NaN."""
    entries = []
    for node in nodes:
        entry = {"op": node.op, "symbol": node.symbol, "shape": node.shape}
        entry |= {"name": node.name} if node.name else {}
        entry |= {"inputs": node.inputs} if node.inputs else {}
        entry |= node.params
        if "value" in entry:
            entry["value"] = np.asarray(entry["value"], float).tolist()
        entries.append(entry)
    data = {"nodes": entries, "outputs": outputs}
    return json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def read(text):
    """What `write` wrote: the fields of each node (op, inputs, params, name, shape), the outputs.

    Raises ValueError for anything else. The message names the node.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"from_json: not JSON: {error}") from None
    if not isinstance(data, dict) or data.keys() != {"nodes", "outputs"}:
        raise ValueError("from_json: want an object with nodes and outputs")
    _require(isinstance(data["nodes"], list), "from_json: nodes: want a list")
    nodes = []
    for i, entry in enumerate(data["nodes"]):
        name = entry.get("name") if isinstance(entry, dict) else None
        label = f"from_json: node {i} ({name})" if isinstance(name, str) else f"from_json: node {i}"
        node = _node(label, entry, nodes)
        _require(
            not node["name"] or all(node["name"] != other["name"] for other in nodes),
            f"{label}: an earlier node has that name",
        )
        nodes.append(node)
    outputs = _indices("from_json: outputs", data["outputs"], len(nodes))
    _require(len(outputs) > 0, "from_json: outputs: want at least one")
    return nodes, outputs


def _node(label, entry, earlier):
    """The fields of one node."""
    _require(isinstance(entry, dict), f"{label}: got {entry!r}, want an object")
    for key in ("op", "shape"):
        _require(key in entry, f"{label}: it has no {key}")
    op, name, shape = entry["op"], entry.get("name", ""), entry["shape"]
    if not isinstance(op, str) or op not in (*OPS, "input", "constant"):
        raise UnknownOperation(f"{label}: unknown operation {op!r}")
    for key in ("name", "symbol"):
        got = entry.get(key, "")
        _require(isinstance(got, str), f"{label}: {key}: got {got!r}, want a string")
    _require(
        isinstance(shape, list) and all(_is_index(n) for n in shape),
        f"{label}: shape: got {shape!r}, want a list of integers >= 0",
    )
    needed = {"input": ("name",), "constant": ("value",)}.get(op) or ("inputs", *OPS[op].params)
    for key in needed:
        _require(key in entry, f"{label}: it has no {key}")
    for key in entry:
        known = key in ("op", "name", "symbol", "shape", *needed)
        _require(known, f"{label}: {op} takes no {key}")
    params, inputs = {}, ()
    if op == "input":
        _require(name != "", f"{label}: an input needs a name")
    elif op == "constant":
        params["value"] = _value(label, entry["value"], tuple(shape))
    else:
        inputs = _inputs(label, op, entry["inputs"], earlier, entry.get("index"))
        params = _params(label, op, entry, len(earlier[inputs[0]]["shape"]))
    return {"op": op, "inputs": inputs, "params": params, "name": name, "shape": tuple(shape)}


def _inputs(label, op, given, earlier, index):
    inputs = _indices(f"{label}: inputs", given, len(earlier))
    if op == "concatenate":
        wanted = max(1, len(inputs))
    else:
        further = index.count("#") if isinstance(index, list) else 0
        wanted = len(OPS[op].rules) - OPS[op].many + further
    _require(len(inputs) == wanted, f"{label}: got {len(inputs)} inputs, want {wanted}")
    return inputs


def _are_axes(v, count):
    return (
        isinstance(v, list) and all(_is_index(i) and i < count for i in v) and len({*v}) == len(v)
    )


def _is_integers(v):
    return (type(v) is int and abs(v) < 2**53) or (
        isinstance(v, list) and all(map(_is_integers, v))
    )


def _is_shape(v, ndim):
    whole = isinstance(v, list) and all(_is_index(n) or (type(n) is int and n == -1) for n in v)
    return whole and v.count(-1) < 2


def _is_picking(v, ndim):
    if not isinstance(v, list):
        return False
    used = [item for item in v if item is not None and item != "..."]
    return (
        len(used) <= ndim
        and sum(item == "..." for item in v) < 2
        and all(
            item == "#" or SLICE.fullmatch(item) is not None
            if isinstance(item, str)
            else _is_integers(item)
            for item in used
        )
    )


SLICE = re.compile(r"(-?\d+)?:(-?\d+)?(:-?[1-9]\d*)?", re.ASCII)
PARAMS: dict[str, tuple[str, Callable]] = {
    "axis": ("null or a list of axes below {n}", lambda v, n: v is None or _are_axes(v, n)),
    "keepdims": ("true or false", lambda v, n: isinstance(v, bool)),
    "axes": (
        "null or each axis below {n} once",
        lambda v, n: v is None or (_are_axes(v, n) and len(v) == n),
    ),
    "to": ("a list of integers >= 0, one -1 at most", _is_shape),
    "index": ("a list of what an index may hold", _is_picking),
}


def _params(label, op, entry, ndim):
    params = {}
    for key in OPS[op].params:
        value, (wanted, fits) = entry[key], PARAMS[key]
        if op == "concatenate":
            value, wanted = [value], "an axis below {n}"
        _require(
            fits(value, ndim), f"{label}: {key}: got {entry[key]!r}, want {wanted.format(n=ndim)}"
        )
        params[key] = _frozen(entry[key])
    return params


def _frozen(value):
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _value(label, value, shape):
    """A constant's number or array."""
    _require(_is_numbers(value), f"{label}: value: got {value!r}, want finite numbers")
    try:
        array = np.array(value, float)
    except ValueError:
        raise ValueError(f"{label}: value: its rows differ in length") from None
    fits = array.shape == shape or array.size == math.prod(shape) == 0
    _require(fits, f"{label}: value: got shape {array.shape}, want {shape}")
    return array.reshape(shape) if shape else float(value)


def _is_numbers(value):
    """Whether it is a finite number, or lists of lists of them."""
    if isinstance(value, list):
        return all(_is_numbers(v) for v in value)
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _is_index(value):
    return type(value) is int and 0 <= value < 2**53


def _indices(label, given, count):
    """A list of indices of the ``count`` nodes so far, as a tuple."""
    _require(
        isinstance(given, list) and all(_is_index(i) for i in given),
        f"{label}: got {given!r}, want a list of integers >= 0",
    )
    for i in given:
        _require(i < count, f"{label}: got {i}, there are {count} nodes before")
    return tuple(given)


def _require(condition, message):
    if not condition:
        raise ValueError(message)
