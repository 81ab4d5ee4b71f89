/**
 * A chapter as it is on paper, without scripts: its article, with the figures as they are drawn.
 * Runs in the chapter's page; pdf.py puts the chapters together.
 * @param {{ name: string, chapters: string[], home: string }} options the chapter, those of the
 *   book in their order, and the address of the published book, or ""
 * @returns {{ html: string, styles: string[], title: string }}
 */
// biome-ignore lint/correctness/noUnusedVariables: evaluated by pdf.py
function gather({ name, chapters, home }) {
  const article = /** @type {HTMLElement} */ (
    document.querySelector(".bd-article > section")?.cloneNode(true)
  );
  const there = document.querySelectorAll(".bd-article > section input");
  article.querySelectorAll("input").forEach((input, i) => {
    const { value, checked } = /** @type {HTMLInputElement} */ (there[i]);
    input.setAttribute("value", value);
    input.toggleAttribute("checked", checked);
  });
  for (const node of article.querySelectorAll("script, noscript, .headerlink, .bn-run"))
    node.remove();
  for (const fold of article.querySelectorAll("details")) fold.open = true;
  for (const pre of article.querySelectorAll("pre")) divide(pre);
  for (const image of article.querySelectorAll("img")) {
    image.src = new URL(image.getAttribute("src") ?? "", document.baseURI).href;
    image.loading = "eager";
  }
  const site = new URL("..", location.href).href;
  for (const link of article.querySelectorAll("a[href]")) {
    const url = new URL(link.getAttribute("href") ?? "", location.href);
    const [, page, hash] = url.href.slice(site.length).match(/^chapters\/(\w+)\.html#?(.*)$/) ?? [];
    if (!url.href.startsWith(site)) continue;
    const place = page && chapters.includes(page) ? `#${page}${hash && `--${hash}`}` : null;
    const href = place ?? (home && home + url.href.slice(site.length));
    if (href) link.setAttribute("href", href);
    else link.removeAttribute("href");
  }
  rename(article, `${name}--`);
  const [title] = article.getElementsByTagName("h1");
  title.id = name;
  article.classList.add(`bn-${name}`);
  return {
    html: article.outerHTML,
    styles: [...document.querySelectorAll("head style, head link[rel=stylesheet]")].map((style) => {
      if (style instanceof HTMLLinkElement) style.setAttribute("href", style.href);
      return style.outerHTML;
    }),
    title: title.textContent.trim(),
  };
}

/**
 * Divide what is printed, or a cell's code, into parts that no page's end tears: each begins after
 * an empty line, not indented, and has four lines or more. One longer than half a page may break.
 * @param {HTMLElement} pre
 */
function divide(pre) {
  const [least, most] = [4, 36];
  const lines = pre.innerHTML.replace(/\n+$/, "").split("\n"); // its spans end with their lines
  const words = lines.map((line) => line.replace(/<[^>]*>/g, ""));
  /** @type {string[][]} */
  const parts = [[]];
  lines.forEach((line, i) => {
    const begins = /^\S/.test(words[i]) && words[i - 1]?.trim() === "";
    if (begins && parts[parts.length - 1].length >= least && lines.length - i >= least)
      parts.push([]);
    parts[parts.length - 1].push(line);
  });
  pre.innerHTML = parts
    .map(
      (part) =>
        `<div class="bn-part${part.length > most ? " long" : ""}">${part.join("\n")}\n</div>`,
    )
    .join("");
}

/**
 * Give each id of an article, and each use of one, a prefix: those of two chapters may be the same.
 * @param {HTMLElement} article
 * @param {string} prefix
 */
function rename(article, prefix) {
  const lists = [
    "aria-labelledby",
    "aria-describedby",
    "aria-controls",
    "aria-owns",
    "for",
    "list",
  ];
  for (const node of [article, ...article.querySelectorAll("*")]) {
    for (const { name, value } of [...node.attributes]) {
      if (name === "id") node.id = prefix + value;
      else if (lists.includes(name)) node.setAttribute(name, value.replace(/\S+/g, `${prefix}$&`));
      else if (value.includes("url(#"))
        node.setAttribute(name, value.replaceAll("url(#", `url(#${prefix}`));
      else if (name === "href" && node.tagName === "use")
        node.setAttribute(name, value.replace(/^#/, `#${prefix}`));
    }
    if (node.getAttribute("name") && node.tagName === "INPUT")
      node.setAttribute("name", prefix + node.getAttribute("name")); // radio buttons
  }
}
