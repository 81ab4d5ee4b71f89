"""A graph as JSON: what goes over the wire to the page, and what is refused when it is read.

``{"nodes": [{"op": "input", "name": "x", "symbol": "x", "shape": [4]}, …], "outputs": [7]}``. An
operation's node has ``inputs``, the indices of earlier nodes, and a reduction ``axis`` (null or a
list) and ``keepdims``; a constant has its ``value``. ``wire.js`` refuses the same.
"""

import json
import math
import sys

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
            entry["value"] = np.asarray(entry["value"]).tolist()
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
        inputs = _inputs(label, OPS[op], entry["inputs"], earlier)
        params = _params(label, OPS[op], entry, earlier, inputs)
    return {"op": op, "inputs": inputs, "params": params, "name": name, "shape": tuple(shape)}


def _inputs(label, op, given, earlier):
    inputs = _indices(f"{label}: inputs", given, len(earlier))
    wanted = len(op.rules)
    _require(len(inputs) == wanted, f"{label}: got {len(inputs)} inputs, want {wanted}")
    for i, rule in zip(inputs, op.rules, strict=True):
        if rule is None and earlier[i]["op"] != "constant":
            raise ValueError(f"{label}: inputs: node {i} must be a constant")
    return inputs


def _params(label, op, entry, earlier, inputs):
    if not op.params:
        return {}
    axis, keepdims = entry["axis"], entry["keepdims"]
    ndim = len(earlier[inputs[0]]["shape"])
    fits = axis is None or (
        isinstance(axis, list)
        and all(_is_index(i) and i < ndim for i in axis)
        and len(set(axis)) == len(axis)
    )
    _require(fits, f"{label}: axis: got {axis!r}, want null or a list of axes below {ndim}")
    _require(isinstance(keepdims, bool), f"{label}: keepdims: got {keepdims!r}, want true or false")
    return {"axis": axis if axis is None else tuple(axis), "keepdims": keepdims}


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
