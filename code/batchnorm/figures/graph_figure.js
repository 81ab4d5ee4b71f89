import { OPS, backward, edgeKey, forward, nested, tensor } from "./interpreter.js";
import { clamp, format } from "./scale.js";
import { drawing, html, tell } from "./svg.js";
import { makeFigure, parsed } from "./figure.js";

// --- What the picture shows, from the figure's inputs; no DOM -----------------------------------

const finite = ({ data }) => data.every(Number.isFinite);
const inputNames = (graph) => graph.nodes.filter(({ op }) => op === "input").map(({ name }) => name);

function upstream(graph, dy) {
  return graph.outputs.length > 1 ? dy.map(tensor) : [tensor(dy)];
}

/** Values, gradients with the cuts (`now`) and without (`full`). */
function analyse(state) {
  const graph = parsed(state.graph);
  const names = inputNames(graph);
  const values = forward(graph, Object.fromEntries(names.map((name) => [name, tensor(state[name])])));
  const cut = new Set(state.cut.map(([target, slot]) => edgeKey(target, slot)));
  const dy = upstream(graph, state.dy);
  const [full, now] = [backward(graph, values, dy), backward(graph, values, dy, cut)];
  const defined = [...values, ...full.grads, ...now.grads].every(finite);
  return { graph, names, values, cut, dy, full, now, defined };
}

const largest = (a) => a.data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
const difference = (a, b) => a.data.reduce((most, v, k) => Math.max(most, Math.abs(v - b.data[k])), 0);

function compute(state) {
  const { graph, names, full, now, defined } = analyse(state);
  const at = (name) => graph.nodes.findIndex((node) => node.name === name);
  const changes = Object.fromEntries(names.map((n) => [`d${n}`, defined ? nested(now.grads[at(n)]) : []]));
  const errors = defined ? names.map((n) => [n, difference(now.grads[at(n)], full.grads[at(n)])]) : [];
  return { ...changes, errors: Object.fromEntries(errors) };
}

/**
 * The derivative of node `target` by its input `slot`, entry by entry, all else held fixed: what
 * the operation's rule makes of ones, before a broadcast is summed.
 */
function localDerivative({ nodes }, values, target, slot) {
  const node = nodes[target];
  if (node.op === "matmul" || node.op === "transpose") return null; // no factor of an entry
  const { shape, data } = values[target];
  const arrays = node.inputs.map((i) => values[i]);
  return OPS[node.op][slot + 1]({ shape, data: data.map(() => 1) }, values[target], ...arrays, node);
}

/** The drawn nodes in the order in which the backward pass completes them: the output first. */
const backwardOrder = (picture) => picture.nodes.map(({ node }) => node).reverse();

// Numbers in words

const shapeOf = ({ shape }) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

/** A tensor for reading: whole while it is short, else its first entries and how many there are. */
function list(t, decimals = 3) {
  const [all, most] = [Array.from(t.data, (v) => format(v, decimals)), 5];
  if (!t.shape.length) return all[0];
  if (all.length <= most) return `(${all.join(", ")})`;
  return `(${all.slice(0, 3).join(", ")}, … ${all.length} entries)`;
}

/** As `list`, but a tensor of equal entries as the one number it holds. */
function alike(t) {
  const [first] = t.data;
  if (!t.data.every((v) => v === first)) return list(t);
  return Number.isInteger(first) ? format(first, 0) : format(first);
}

/** A number in at most six letters and a sign, for a node. */
function compact(v) {
  const size = Math.abs(v);
  if (size < 1e-13) return "0";
  const text =
    size >= 1e4 || size < 1e-3
      ? v.toExponential(0).replace("e+", "e")
      : String(Number(size < 0.1 ? v.toFixed(size < 0.01 ? 4 : 3) : v.toPrecision(3)));
  return text.replaceAll("-", "−");
}

// Geometry

const SIDE = 8; // free at the left and right end
const TOP = 22; // above the graph: what flows over the edge that is pointed at
const WIDEST = 34; // pixels that a gap may grow by where there is room
const APART = 17; // pixels between the handles of two edges
const TITLE = 18;
const LINE = 13;
const CELL = 7;

/** Where nodes and edges stand in a drawing of this width (or wider, if it does not fit). */
function arrange(picture, width) {
  const free = (width - 2 * SIDE - picture.width) / Math.max(1, picture.ranks - 1);
  const more = clamp(free, 0, WIDEST);
  const at = (rank, x) => SIDE + x + rank * more;
  const taken = [];
  const edges = picture.edges.map((edge) => {
    const points = edge.points.map(([rank, x, y]) => [at(rank, x), y + TOP]);
    const handle = place(points, taken);
    taken.push(handle);
    return { ...edge, key: edgeKey(edge.target, edge.slot), points, handle, path: path(points) };
  });
  const nodes = picture.nodes.map((node) => ({ ...node, x: at(node.rank, node.x), y: node.y + TOP }));
  const drawn = picture.width + 2 * SIDE + more * (picture.ranks - 1);
  return { nodes, edges, width: Math.max(drawn, 200), height: picture.height + TOP + 8 };
}

/** An edge's points by twos: a bend through each gap, a level line past each column. */
function path(points) {
  const parts = points.slice(1).map(([x, y], k) => {
    const [u, v] = points[k];
    const middle = (u + x) / 2;
    return k % 2 ? `L${x} ${y}` : `C${middle} ${v} ${middle} ${y} ${x} ${y}`;
  });
  return `M${points[0].join(" ")}${parts.join("")}`;
}

/** A point of the bend from p to q, and the slope there. */
function onBend([x0, y0], [x1, y1], t) {
  const [middle, u] = [(x0 + x1) / 2, 1 - t];
  const [a, b, c, d] = [u ** 3, 3 * u * u * t, 3 * u * t * t, t ** 3];
  const dx = 1.5 * (x1 - x0) * (u * u + t * t);
  const dy = 6 * u * t * (y1 - y0);
  return { x: a * x0 + (b + c) * middle + d * x1, y: (a + b) * y0 + (c + d) * y1, slope: Math.atan2(dy, dx) };
}

/** Where an edge is taken hold of: its middle, or the place farthest from the other handles. */
function place(points, taken) {
  const bends = points.slice(1).map((q, k) => [points[k], q, k % 2 === 1]);
  const middle = (bends.length - 1) / 2;
  const nearMiddle = bends.map((bend, k) => [Math.abs(k - middle), bend]).sort((a, b) => a[0] - b[0]);
  const candidates = nearMiddle.flatMap(([, [p, q, level]]) =>
    level
      ? [{ x: (p[0] + q[0]) / 2, y: p[1], slope: 0 }]
      : [0.5, 0.35, 0.65, 0.2, 0.8].map((t) => onBend(p, q, t)),
  );
  const room = ({ x, y }) => Math.min(...taken.map((other) => Math.hypot(x - other.x, y - other.y)), 1e9);
  return candidates.find((c) => room(c) >= APART) ?? candidates.reduce((a, b) => (room(b) > room(a) ? b : a));
}

// What stands in the panel

const HINT = [
  "Point at a node or an edge, or press Tab and then the arrow keys, to read it here.",
  "Click an edge, or press Enter on it, to cut it: then no gradient flows back over it.",
];

function nodeWords(shown, { node, title, term, gradient }) {
  const { values, now, full, graph, place: { edges, nodes } } = shown;
  const [termOf, symbolOf] = ["term", "symbol"].map((what) => (i) => nodes.find((n) => n.node === i)[what]);
  const wrong = difference(now.grads[node], full.grads[node]) > 0;
  const arrives = reached(shown, node)
    ? `dL/d${term} = ${gradient} = ${list(now.grads[node])}` + (wrong ? `; without a cut ${list(full.grads[node])}.` : ".")
    : `dL/d${term}: nothing arrives; without a cut ${list(full.grads[node])}.`;
  const factors = edges.filter(({ target }) => target === node).map((edge) => {
    const numbers = localDerivative(graph, values, edge.target, edge.slot);
    const told = numbers && alike(numbers) !== edge.local ? `${edge.local} = ${alike(numbers)}` : edge.local;
    const flow = now.flow.get(edge.key);
    const back = flow ? `${edge.sent} = ${list(flow)}` : "nothing";
    return `∂${term}/∂${termOf(edge.source)} = ${told}; so back to ${symbolOf(edge.source)} goes ${back}.`;
  });
  const kind = graph.nodes[node].op === "input" ? "An input. " : "";
  return [`${kind}${title} = ${list(values[node])}, shape ${shapeOf(values[node])}.`, arrives, ...factors];
}

function edgeWords(shown, edge) {
  const { graph, values, dy, cut, place: { nodes } } = shown;
  const [source, target] = [edge.source, edge.target].map((i) => nodes.find((n) => n.node === i));
  const others = new Set([...cut].filter((key) => key !== edge.key));
  const flow = backward(graph, values, dy, others).flow.get(edge.key);
  const amount = flow ? `${edge.sent} = ${list(flow)}, shape ${shapeOf(flow)}` : "";
  const carries = !flow
    ? "Nothing arrives here to go back over it."
    : cut.has(edge.key) ? `Cut. It would carry back ${amount}.` : `Carries back ${amount}.`;
  return [
    `The edge from ${source.symbol} to ${target.symbol}. ${carries}`,
    `Local derivative ∂${target.term}/∂${source.term} = ${edge.local}. ${edge.note}`,
    cut.has(edge.key) ? "Click or press Enter to let it flow again." : "Click or press Enter to cut it.",
  ];
}

function stepWords(shown) {
  const { now, place: { nodes, edges }, order, step, graph } = shown;
  const { node, symbol, term, gradient } = nodes.find((n) => n.node === order[step - 1]);
  const brought = edges.filter(({ source }) => source === node);
  const from = brought.map((e) => nodes.find((n) => n.node === e.target).symbol);
  const origin = graph.outputs.includes(node) ? "The loss hands it in." : `It comes back from ${from.join(" and ")}.`;
  return [
    `Step ${step} of ${order.length}: ${symbol}.`,
    reached(shown, node)
      ? `dL/d${term} = ${gradient} = ${list(now.grads[node])}; shape ${shapeOf(now.grads[node])}.`
      : `Nothing arrives at ${symbol}: every way to it is cut.`,
    reached(shown, node) ? `${origin} ${brought.map(({ note }) => note).join(" ")}` : "",
  ];
}

/** Whether any gradient arrives at a node. */
function reached({ graph, now, place: { edges } }, node) {
  return graph.outputs.includes(node) || edges.some(({ source, key }) => source === node && now.flow.has(key));
}

/** One line an input: its gradient, and how far a cut has moved it from the true one. */
function resultWords({ graph, names, now, full, place: { nodes } }, name) {
  const { node, term } = nodes.find((n) => graph.nodes[n.node].name === name && names.includes(name));
  const [got, true_] = [now.grads[node], full.grads[node]];
  const error = difference(got, true_);
  return error > 1e-12 * largest(true_)
    ? `dL/d${term} = ${list(got)}; true ${list(true_)}; off by up to ${format(error)}`
    : `dL/d${term} = ${list(got)}, the true gradient`;
}

// --- The picture --------------------------------------------------------------------------------

function mount(el, hand) {
  const picture = drawing("A computation graph. Arrow keys move along it; Enter on an edge cuts it.");
  const scroll = html("div", { class: "scroll" }, picture.root);
  const button = (text, action) => html("button", { type: "button", click: action }, text);
  const count = html("span", { class: "readout" });
  const keys = html("div", { class: "bar" });
  for (const [text, look] of [
    ["values go right ▸", "data"],
    ["◂ gradients come back", "gradient"],
    ["changed by a cut", "gradient changed"],
    ["lost", "cut lost"],
  ]) {
    keys.append(html("span", { class: `sample ${look}` }, text));
  }
  const back = button("◂ Back", () => walk(-1));
  const on = button("Forward ▸", () => walk(1));
  const reset = button("Reset", () => {
    hand.set(hand.get().start);
    say("Reset.");
  });
  const panel = html("div", { class: "panel", tabindex: "0", role: "region", "aria-label": "About what is chosen" });
  const results = html("div", { class: "results" });
  const spoken = html("p", { class: "spoken", "aria-live": "polite" });
  el.append(scroll, html("div", { class: "bar" }, back, on, reset, count), panel, results, keys, spoken);

  let shown; // what was drawn last, and where
  let chosen = null; // the key of the thing that has the focus
  let pointed = null; // of the thing under the mouse
  let home = null; // of the thing that Tab comes to

  const say = (text) => (spoken.textContent = text);
  const again = () => draw(shown, shown.room);

  function walk(by) {
    const { step } = hand.get();
    const next = clamp(step + by, 0, shown.order.length);
    hand.set({ step: next });
    again();
    const node = shown.place.nodes.find((n) => n.node === shown.order[next - 1]);
    if (node) scroll.scrollLeft = node.x + node.w / 2 - scroll.clientWidth / 2;
    say(next ? stepWords(shown).join(" ") : "The whole backward pass is shown.");
  }

  function toggle(edge) {
    const pair = [edge.target, edge.slot];
    const { cut } = hand.get();
    const without = cut.filter(([target, slot]) => target !== pair[0] || slot !== pair[1]);
    hand.set({ cut: without.length < cut.length ? without : [...cut, pair].sort(([a, b], [c, d]) => a - c || b - d) });
    again();
    const lines = shown.defined ? shown.names.map((name) => resultWords(shown, name)) : [];
    say([edgeWords(shown, edge)[0], ...lines.filter((line) => line.includes("off by"))].join(" "));
  }

  /** The thing that an arrow key leads to from here. */
  function neighbour(key, way) {
    const { nodes, edges } = shown.place;
    const item = find(key);
    const byHeight = (list) => list.sort((a, b) => a.handle.y - b.handle.y);
    if (way === "Home") return `node ${nodes[0].node}`;
    if (way === "End") return `node ${nodes.at(-1).node}`;
    if (way === "ArrowRight" || way === "ArrowLeft") {
      const right = way === "ArrowRight";
      if (item.key) return `node ${right ? item.target : item.source}`;
      const [edge] = byHeight(edges.filter((e) => (right ? e.source : e.target) === item.node));
      return edge && `edge ${edge.key}`;
    }
    const row = item.key
      ? byHeight(edges.filter((e) => e.source === item.source)).map((e) => `edge ${e.key}`)
      : nodes.filter((n) => n.rank === item.rank).sort((a, b) => a.y - b.y).map((n) => `node ${n.node}`);
    return row[row.indexOf(key) + (way === "ArrowDown" ? 1 : -1)];
  }

  function find(key) {
    const [kind, id] = key.split(" ");
    const { nodes, edges } = shown.place;
    return kind === "node" ? nodes.find((n) => n.node === Number(id)) : edges.find((e) => e.key === id);
  }

  function onKey(event, key) {
    const item = find(key);
    if ((event.key === "Enter" || event.key === " ") && item.key) toggle(item);
    else if (/^(Arrow(Left|Right|Up|Down)|Home|End)$/.test(event.key)) {
      const next = neighbour(key, event.key);
      if (next) {
        home = next;
        again();
        picture.put(next, "g").focus();
      }
    } else return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would move to another cell
  }

  /** Puts new parts into their group; parts that are moved again would lose the pointer. */
  const join = (group, parts) => {
    for (const part of parts) if (part.parentNode !== group) group.append(part);
  };

  /** A node or an edge: one thing to point at, to reach by keys and to read. */
  function thing(key, role, attributes) {
    const isNew = !picture.has(key);
    const node = picture.put(key, "g", { role, tabindex: key === home ? 0 : -1, ...attributes });
    if (!isNew) return node;
    listen(node, key);
    node.addEventListener("focus", () => {
      [chosen, home] = [key, key];
      again();
    });
    node.addEventListener("blur", () => {
      chosen = null;
      again();
    });
    node.addEventListener("keydown", (event) => onKey(event, key));
    return node;
  }

  /** What the mouse and the finger do to a node or an edge. */
  function listen(node, key) {
    const hover = (to) => (event) => {
      if (event.pointerType !== "mouse") return;
      pointed = to;
      again();
    };
    node.addEventListener("pointerenter", hover(key));
    node.addEventListener("pointerleave", hover(null));
    if (key.startsWith("edge")) node.addEventListener("click", () => toggle(find(key)));
  }

  // What of the backward pass is shown: all of it, or what the steps so far have passed
  const passed = (node) => !shown.step || shown.order.indexOf(node) < shown.step;

  function drawEdge(edge, lit) {
    const { key, path: line, handle: { x, y, slope }, source, target } = edge;
    const { cut, now, full, place: { nodes } } = shown;
    const flow = now.flow.get(key);
    const was = full.flow.get(key);
    const state = cut.has(key) ? "severed" : !flow ? "lost" : difference(flow, was) > 0 ? "changed" : "whole";
    const symbol = (i) => nodes.find((n) => n.node === i).symbol;
    const told = { severed: "cut", lost: "nothing arrives", changed: "changed by a cut", whole: "" }[state];
    const look = `${state}${lit ? " lit" : ""}${passed(source) ? "" : " later"}`;
    picture.layer("wires");
    const isNew = !picture.has(`${key} wires`);
    const wires = picture.put(`${key} wires`, "g", { class: `wires ${look}` });
    if (isNew) listen(wires, `edge ${key}`);
    join(wires, [
      picture.put(`${key} grip`, "path", { class: "grip", d: line }),
      picture.put(`${key} wire`, "path", { class: "wire", d: line }),
    ]);
    // Handles lie over all wires, so that each can be hit
    picture.layer("handles");
    const group = thing(`edge ${key}`, "switch", {
      class: `edge ${look}`,
      "aria-checked": !cut.has(key),
      "aria-label":
        `edge from ${symbol(source)} to ${symbol(target)}, ` +
        (flow ? `carries back ${list(flow)}` : "carries nothing") + (told ? `, ${told}` : ""),
    });
    join(group, [
      picture.put(`${key} pad`, "circle", { class: "pad", cx: x, cy: y, r: 9 }),
      picture.put(`${key} mark`, "path", {
        class: "mark",
        transform: `translate(${x} ${y}) rotate(${state === "severed" ? 0 : (slope * 180) / Math.PI})`,
        d: state === "severed" ? "M-5 -5L5 5M-5 5L5 -5" : "M-5 0L4 -5L4 5Z",
      }),
    ]);
    return flow;
  }

  function entries(key, t, node, top, look, hidden) {
    const { x, w, rows, columns, whole } = node;
    const step = t.shape.length ? t.shape.at(-1) : 1;
    const stride = t.shape.length < 2 ? 1 : step;
    const most = largest(t);
    const parts = [];
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const v = t.data[r * stride + c];
        const id = `${key} ${r} ${c}`;
        if (whole) {
          const text = hidden ? "·" : Number.isFinite(v) ? compact(v) : "–";
          const at = x + (w / columns) * (c + 0.5);
          parts.push(picture.put(id, "text", { class: `entry ${look}`, x: at, y: top + r * LINE + 10 }, text));
        } else if (!hidden) {
          // Filled: positive; hollow: negative; the larger the stronger
          const strength = most && Number.isFinite(v) ? Math.max(0.12, Math.abs(v) / most) : 0.12;
          const left = x + (w - columns * CELL) / 2 + c * CELL + 1;
          const cell = { x: left, y: top + r * CELL + 3, width: CELL - 2, height: CELL - 2 };
          const sign = v < 0 ? " hollow" : "";
          parts.push(picture.put(id, "rect", { class: `cell ${look}${sign}`, ...cell, opacity: strength.toFixed(2) }));
        }
      }
    }
    return parts;
  }

  function drawNode(node, lit) {
    const { x, y, w, h, symbol, rows, whole } = node;
    const { values, now, full, defined } = shown;
    const [value, gradient] = [values[node.node], now.grads[node.node]];
    const lost = !reached(shown, node.node);
    const changed = difference(gradient, full.grads[node.node]) > 0;
    const key = `node ${node.node}`;
    const current = shown.step && shown.order[shown.step - 1] === node.node;
    const hidden = !passed(node.node);
    const told = lost ? "lost" : list(gradient) + (changed ? `, without a cut ${list(full.grads[node.node])}` : "");
    const group = thing(key, "img", {
      class: `node${lit ? " lit" : ""}${current ? " current" : ""}`,
      "aria-label": defined
        ? `${symbol}, value ${list(value)}, gradient ${hidden ? "not yet reached" : told}`
        : `${symbol}, not defined`,
    });
    const lines = (whole ? rows * LINE : rows * CELL + 4) + 1;
    const look = hidden ? "gradient" : lost ? "cut lost" : changed ? "gradient changed" : "gradient";
    const box = { x, y, width: w, height: h, rx: 5 };
    join(group, [
      picture.put(`${key} box`, "rect", { class: "box", ...box }),
      picture.put(`${key} name`, "text", { class: "name", x: x + w / 2, y: y + 13 }, symbol),
      ...entries(`${key} value`, value, node, y + TITLE, "data", false),
      ...entries(`${key} gradient`, gradient, node, y + TITLE + lines, look, hidden),
    ]);
  }

  /** What flows over an edge, written above the graph: between the nodes there is no room. */
  function tag({ source, target, handle: { x } }, flow) {
    const symbol = (i) => shown.place.nodes.find((n) => n.node === i).symbol;
    const text = `${symbol(source)} ◂ ${symbol(target)}: ${list(flow)}`;
    const half = 3.4 * text.length;
    const [left, right] = [scroll.scrollLeft, scroll.scrollLeft + scroll.clientWidth];
    picture.put("tag", "text", { class: "tag", x: clamp(x, left + half, Math.max(left + half, right - half)), y: 14 }, text);
  }

  function tellLines(parent, lines, name = "p") {
    while (parent.children.length > lines.length) parent.lastChild.remove();
    lines.forEach((line, i) => {
      const p = parent.children[i] ?? parent.appendChild(html(name));
      tell(p, line);
    });
  }

  function draw(state, room) {
    const inputs = hand.get();
    const data = parsed(inputs.picture);
    shown = { ...inputs, ...analyse(inputs), place: arrange(data, room), order: backwardOrder(data), room };
    const { place, defined, order, step, names, graph, values } = shown;
    home ??= `node ${data.nodes[0].node}`;

    const about = pointed ?? chosen ?? (step ? `node ${order[step - 1]}` : null);
    const item = about && find(about);
    const litEdge = (edge) =>
      item && (item.key ? item.key === edge.key : [edge.source, edge.target].includes(item.node));
    const litNode = ({ node }) =>
      item && (item.key ? [item.source, item.target].includes(node) : node === item.node ||
        place.edges.some((e) => litEdge(e) && [e.source, e.target].includes(node)));

    picture.size(place.width, place.height);
    for (const layer of ["wires", "handles", "nodes", "tags"]) picture.layer(layer);
    for (const edge of place.edges) {
      const flow = drawEdge(edge, litEdge(edge));
      picture.layer("tags");
      if (item === edge && flow && passed(edge.source) && defined) tag(edge, flow);
    }
    picture.layer("nodes");
    for (const node of place.nodes) drawNode(node, litNode(node));
    picture.sweep();

    count.textContent = step ? `step ${step} of ${order.length}` : "the whole backward pass";
    back.disabled = step === 0;
    on.disabled = step === order.length;
    const broken = place.nodes.find(({ node }) => !finite(values[node]));
    const why = `${broken?.symbol ?? "A gradient"} is not defined for these inputs (a division by 0, or the like). Change them.`;
    tellLines(panel, !defined ? [why] : !item ? HINT : pointed ?? chosen
      ? item.key ? edgeWords(shown, item) : nodeWords(shown, item)
      : stepWords(shown));
    // Room for the longest line there can be, so that nothing jumps
    const letters = Math.max(20, room / 6.6);
    tellLines(results, names.map((name) => (defined ? resultWords(shown, name) : `dL/d${name}: not defined`)));
    names.forEach((name, i) => {
      const size = Math.min(5, values[graph.nodes.findIndex((n) => n.name === name)].data.length);
      results.children[i].style.minHeight = `${1.45 * Math.ceil((32 + 16 * size) / letters)}em`;
    });
  }
  return draw;
}

export default makeFigure({ compute, mount });
