"""The index of the book's search: what each section says, with the place to link to.

It is written from the built pages, where formulas have become readable signs, as classic scripts:
unlike what is fetched, those load from file://, too. `sections.js` has which words are where, and
`sections/<page>.js` what the sections of a page say. _ext/site/search/ packs, ranks and shows.
"""

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

from sphinx.errors import ExtensionError

from . import bundle, kept
from .formulas import node

PACK = """
const sections = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(bnIndex.packed(sections)));
"""
VOID = {"br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
BLOCKS = {"p", "li", "td", "th", "div", "dt", "dd", "section", "summary", "details", "tr"}
# What a formula in one line needs between its parts, or before them
BETWEEN = {"mfrac": "/", "msup": "^", "msub": "_"}
BEFORE = {"msqrt": "√", "mtr": " ", "mspace": " "}
SILENT = {"script", "style", "noscript", "annotation", "svg", "pre"}
# The set formula beside its MathML, links of headings, what cells show
SILENT_CLASSES = {"katex-html", "headerlink", "cell", "prev-next-area", "bn-languages", "bn-paper"}
HEADINGS = {"h1", "h2", "h3", "h4"}


class Reader(HTMLParser):
    """Reads the article of a page into sections: {anchor, heading, text} each.

    A paragraph with an id, as the terms and sources have, is a section of its own, and the words
    in bold at its head are its heading. ``rows`` collects table rows with links: what one says, and
    where it links to, with the words of each link.
    """

    def __init__(self):
        super().__init__()
        self.sections = []
        self.rows = []  # [text, [[words of a link, where to], …]]
        self.stack = []  # [tag, section, silent and heading before it, children so far]
        self.section = self.heading = self.term = None
        self.silent = True
        self.row = None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag in VOID:
            self.handle_data(" ")
            return
        self.handle_data(self.between() + BEFORE.get(tag, ""))
        self.stack.append([tag, self.section, self.silent, self.heading, 0])
        classes = set((given.get("class") or "").split())
        if tag == "article":
            self.silent = False
        elif tag in SILENT or classes & SILENT_CLASSES:
            self.silent = True
        if self.silent:
            return
        if given.get("id") and tag in {"section", "p"}:
            self.section = {"anchor": given["id"], "heading": "", "text": ""}
            self.sections.append(self.section)
            self.term = self.section if tag == "p" else None
        term = self.section and self.section is self.term and not self.section["text"].strip()
        if tag in HEADINGS or (tag == "strong" and term):
            self.heading = self.section
        if tag == "tr":
            self.rows.append(["", []])
            self.row = self.rows[-1]
        if tag == "a" and self.row:
            self.row[1].append(["", given.get("href") or ""])
        if tag in BLOCKS:
            self.handle_data("\n")

    def between(self):
        """The sign before the second part of a fraction, a power, an index."""
        if not self.stack:
            return ""
        self.stack[-1][-1] += 1
        return BETWEEN.get(self.stack[-1][0], "") if self.stack[-1][-1] == 2 else ""

    def handle_endtag(self, tag):
        if tag in VOID:  # <img />, which opens nothing
            return
        while self.stack:
            opened, section, silent, heading, _ = self.stack.pop()
            if opened in BETWEEN:
                self.handle_data(" ")
            if opened in BLOCKS:
                self.handle_data("\n")
            self.section, self.silent, self.heading = section, silent, heading
            self.row = None if opened in {"tr", "table"} else self.row
            if opened == tag:
                break

    def handle_data(self, text):
        if self.silent or self.section is None:
            return
        self.section["heading" if self.heading is self.section else "text"] += text
        if self.row:
            self.row[0] = (self.row[0] + text).lstrip("\n")
            if any(opened[0] == "a" for opened in self.stack):
                self.row[1][-1][0] += text


def tidy(text):
    return re.sub(r"\s+", " ", text.replace("\u200b", "")).strip()


def plain(html):
    """What a piece of a page says: formulas in one line, no markup."""
    reader = Reader()
    reader.feed(f'<article><section id="piece">{html}')
    return tidy("".join(section["text"] for section in reader.sections))


def read(html):
    """The sections of a built page, and its rows that ask and answer."""
    reader = Reader()
    reader.feed(html)
    for section in reader.sections:
        for key in ("heading", "text"):
            section[key] = tidy(section[key])
    return reader.sections, [question(*row) for row in reader.rows if row[1]]


def question(text, links):
    """A row's question, and [what it answers, where that is shown] for each of its links.

    To a link belongs the text since the one before it; its own words, where they end the row, say
    no more than where it leads.
    """
    asked, _, rest = text.partition("\n")
    answers = []
    for words, link in links:
        answer, _, rest = rest.partition(words)
        answers.append((tidy(answer + words if rest.strip() else answer), link))
    return tidy(asked), answers


def collect(out, pages):
    """The index: every section of the pages with its page, title and the questions it answers."""
    index, asked = {}, []
    for page in pages:
        sections, questions = kept.call(read, (out / page).read_text("utf8"))
        title = sections[0]["heading"]
        for section in sections:
            source = re.match(r".{3,80}? (19|20)\d\d(?=\.)", section["text"])
            section["heading"] = section["heading"].rstrip(".") or (source or [title])[0]
            anchor = "" if section is sections[0] else section["anchor"]
            place = (page, section["anchor"])
            index[place] = {"page": page, "title": title} | section | {"anchor": anchor}
            index[place]["asked"] = ""
        index.setdefault((page, ""), index[page, sections[0]["anchor"]])
        for words, answers in questions:
            asked += [
                (f" {words} {answer}", Path(page).parent / link)
                for answer, link in answers
                if "?" in words
            ]
    for words, link in asked:
        page, _, anchor = link.as_posix().partition("#")
        section = index.get((page, anchor))
        if section:
            section["asked"] += words
    unique = {id(section): section for section in index.values()}
    return [s | {"asked": s["asked"].strip()} for s in unique.values() if s["text"] or s["anchor"]]


def packed(sections):
    """The index as JSON, made by the very script that reads words in a reader's browser."""
    script = f"{bundle.joined('site/search/index.js', 'bnIndex')}\n{PACK}"
    done = subprocess.run(
        [node(), "-e", script], input=json.dumps(sections), capture_output=True, encoding="utf8"
    )
    if done.returncode:
        raise ExtensionError(f"search: the index was not packed: {done.stderr}")
    return done.stdout


def write(app):
    site = Path(app.outdir) / "_static"
    pages = [f"{name}.html" for name in sorted(app.env.found_docs)]
    sections = collect(Path(app.outdir), pages)
    (site / "sections.js").write_text(f"self.bnSections={packed(sections)};", "utf8")
    (site / "search.js").write_text(bundle.joined("site/search/search.js"), "utf8")
    (site / "sections").mkdir(exist_ok=True)
    for page in pages:
        texts = {s["anchor"]: s["text"] for s in sections if s["page"] == page}
        script = f"(self.bnTexts??={{}})[{json.dumps(page)}]={compact(texts)};"
        (site / "sections" / f"{Path(page).stem}.js").write_text(script, "utf8")


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
