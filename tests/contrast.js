/**
 * How far each text and each mark of the figures stands out from what it lies on: the contrast of
 * WCAG 2, with all opacities counted in. A text with a halo lies on paper, and so do marks.
 */
() => {
  /** @param {string} text of a colour that a browser has computed */
  const parsed = (text) => {
    const [r, g, b, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return [r, g, b, a];
  };
  const over = ([r, g, b, a], ground) => [r, g, b].map((v, k) => a * v + (1 - a) * ground[k]);
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [r, g, b] = colour.map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [high, low] = [light(a), light(b)].sort((p, q) => q - p);
    return (high + 0.05) / (low + 0.05);
  };
  const seen = (node) => node.getClientRects().length > 0;

  /** What a node is painted with; null if it is not. */
  const paint = (node, which, figure) => {
    const style = getComputedStyle(node);
    if (style[which] === "none") return null;
    const [r, g, b, own] = parsed(style[which]);
    let a = own * Number(style[`${which}Opacity`] ?? 1);
    for (let n = node; n && n !== figure; n = n.parentElement) {
      a *= Number(getComputedStyle(n).opacity);
    }
    return a ? [r, g, b, a] : null;
  };

  /** What lies below a text in a picture. */
  const below = (node, paper, figure) => {
    if (node.matches(".halo")) return paper;
    const { left, top, width, height } = node.getBoundingClientRect();
    const all = document.elementsFromPoint(left + width / 2, top + height / 2);
    const isText = (n) => n.closest("text");
    const shapes = all.filter((n) => n.ownerSVGElement && !isText(n)).reverse();
    return shapes.reduce((ground, n) => {
      const fill = paint(n, "fill", figure);
      return fill ? over(fill, ground) : ground;
    }, paper);
  };

  const of = (figure) => {
    const probe = document.createElement("i");
    probe.style.color = "var(--bn-paper)";
    figure.append(probe);
    const paper = parsed(getComputedStyle(probe).color).slice(0, 3);
    probe.remove();
    const told = (of, node, value) => ({
      of,
      look: (node.getAttribute("class") ?? "").split(" "),
      is: node.dataset.key ?? node.textContent,
      contrast: value,
    });
    const texts = [...figure.querySelectorAll("svg text")]
      .filter((node) => node.textContent.trim() && seen(node))
      .map((node) => {
        const ground = below(node, paper, figure);
        return told("text", node, contrast(over(paint(node, "fill", figure), ground), ground));
      });
    const words = [...figure.querySelectorAll("p, td, th, summary, .entry, button:enabled")]
      .filter((node) => node.textContent.trim() && seen(node))
      .map((node) => {
        const back = getComputedStyle(node).backgroundColor;
        const ground = over(parsed(back), paper);
        return told("text", node, contrast(over(paint(node, "color", figure), ground), ground));
      });
    const marks = [...figure.querySelectorAll("svg :is(path, circle, rect, ellipse)")]
      .filter(seen)
      .flatMap((node) => {
        const colours = ["fill", "stroke"].map((which) => paint(node, which, figure));
        const all = colours.filter(Boolean).map((colour) => contrast(over(colour, paper), paper));
        return all.length ? [told("mark", node, Math.max(...all))] : [];
      });
    return [...texts, ...words, ...marks];
  };
  return [...document.querySelectorAll(".bn-figure")].flatMap(of);
};
