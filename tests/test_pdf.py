"""The book on paper: one file, with contents, page numbers, links and figures."""

import re
from types import SimpleNamespace

import pikepdf
import pytest

from _ext.site import publishing
from _ext.tools.pdf import gathered, page_numbers, print_book

pytestmark = pytest.mark.readers

NAMES = ["start_here", "questions", "two_samples", "references"]


@pytest.fixture(scope="module")
def printed(browser, book, tmp_path_factory):
    path = tmp_path_factory.mktemp("pdf") / "book.pdf"
    print_book(browser, book, path, NAMES)
    with pikepdf.open(path) as pdf:
        yield pdf


def text_of(page):
    """The words of a page: what its fonts' maps make of the glyphs, spaces left out."""
    maps = {}
    for name, font in page.Resources.Font.items():
        bytes_each, table = 2 if font.Subtype == "/Type0" else 1, {}
        maps[str(name)] = bytes_each, table
        lines = font.ToUnicode.read_bytes().decode("latin-1")
        for block in re.findall(r"beginbfchar(.*?)endbfchar", lines, re.S):
            for code, to in re.findall(r"<(\w+)> <(\w+)>", block):
                table[int(code, 16)] = bytes.fromhex(to).decode("utf-16-be")
        for block in re.findall(r"beginbfrange(.*?)endbfrange", lines, re.S):
            for first, last, to in re.findall(r"<(\w+)> <(\w+)> <(\w+)>", block):
                for i in range(int(last, 16) - int(first, 16) + 1):
                    table[int(first, 16) + i] = chr(int(to, 16) + i)
    words, font = "", ()
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            font = maps[str(operands[0])]
        parts = operands[0] if str(operator) == "TJ" else operands
        if str(operator) in ("TJ", "Tj"):
            codes = b"".join(bytes(p) for p in parts if isinstance(p, pikepdf.String))
            each, table = font
            for at in range(0, len(codes), each):
                words += table.get(int.from_bytes(codes[at : at + each]), "?")
    return re.sub(r"\s", "", words)


def links(pdf):
    """Each link of the file: (number of its page, target within the file or address)."""
    for number, page in enumerate(pdf.pages, 1):
        for link in page.get("/Annots", []):
            yield number, str(link.get("/Dest") or link.A.get("/D") or link.A.URI)


def test_the_contents_name_the_page_on_which_each_chapter_begins(printed):
    numbers = page_numbers(printed)
    assert [name for name in NAMES if name in numbers] == NAMES
    pages = [numbers[name] for name in NAMES]
    assert pages == sorted(set(pages))
    contents = text_of(printed.pages[1])
    titles = {"questions": "Whatpeopleask", "two_samples": "Twosamples", "references": "References"}
    for name, title in titles.items():
        assert f"{title}{numbers[name]}" in contents
        assert text_of(printed.pages[numbers[name] - 1]).startswith(title)


def test_links_lead_to_places_in_the_file_or_out_of_it(printed):
    places = page_numbers(printed)
    contents = {target[1:] for number, target in links(printed) if number == 2}
    assert contents == set(NAMES)
    within = {target for _, target in links(printed) if target.startswith("/")}
    assert {"/two_samples", "/references--ioffe-2015"} <= within
    assert {target[1:] for target in within} <= places.keys()
    beyond = {target for _, target in links(printed) if not target.startswith("/")}
    assert {address.split(":")[0] for address in beyond} == {"https"}


def test_its_bookmarks_are_the_contents(printed):
    with printed.open_outline() as outline:
        roots = [(item.title, [child.title for child in item.children]) for item in outline.root]
        chapters = {child.title: child for item in outline.root for child in item.children}
    title = "Gradients Through Batch Normalization"  # of the cover and of the first page
    assert roots[0] == (title, [])
    assert roots[1] == ("Contents", [])
    assert roots[2][0] == title
    assert roots[3] == ("The idea", ["What people ask", "Two samples"])
    assert roots[4:] == [("Back matter", ["References"])]
    sections = [section.title for section in chapters["Two samples"].children]
    assert sections[0] == "Only the mean"
    assert sections[-1] == "Where next"


def test_it_says_what_it_is_and_has_what_screen_readers_need(printed):
    assert printed.docinfo.Title == "Gradients Through Batch Normalization"
    assert printed.docinfo.Author == "The authors of Gradients Through Batch Normalization"
    assert printed.Root.MarkInfo.Marked
    assert printed.Root.Lang == "en"


def test_no_page_tears_code_or_what_it_prints(printed, browser, book):
    """Each part of a cell's code lies on one page, and so does what is printed below it."""
    with browser.new_page() as page:
        (chapter,) = gathered(page, book, [("", [("two_samples", "")])])
        page.set_content(chapter["html"])
        parts = page.locator(".cell .bn-part:not(.long)").all_text_contents()
    texts = [text_of(sheet) for sheet in printed.pages]
    assert len(parts) > 20
    squeezed = [re.sub(r"\s", "", part) for part in parts]
    assert [part for part in squeezed if not any(part in text for text in texts)] == []


def test_each_page_has_its_number_and_no_control(printed):
    for number, page in enumerate(printed.pages, 1):
        words = text_of(page)
        assert words.endswith(str(number)) or words.startswith(str(number)), number
        assert not re.search("Copylink|Copytoclipboard|RunEdit|Deutsch", words)


def test_what_comes_next_is_on_one_page(printed):
    """No last page has one line of it alone."""
    texts = [text_of(sheet) for sheet in printed.pages]
    (last,) = [text for text in texts if "onenodeatatime.Exercises:" in text]
    assert "WherenextTwosamplesandthevariance:" in last.replace("\xad", "")


def test_figures_are_drawn_and_not_painted(printed):
    """As lines and letters that stay sharp: what is in a figure is found as text."""
    words = "".join(map(text_of, printed.pages))
    assert "Withthepaththroughthemeancut,3steps" in words
    assert "RunawaybyStep" not in words
    pictures = [image for page in printed.pages for image in page.get_images()]
    assert pictures == []


def test_networks_are_trained_before_they_are_printed(browser, book):
    with browser.new_page() as page:
        (chapter,) = gathered(page, book, [("", [("does_it_help", "")])])
    assert "After 400 steps" in chapter["html"]
    assert "press Run" not in chapter["html"]


def test_the_about_page_links_the_printed_book_while_it_is_there(tmp_path):
    (tmp_path / "chapters").mkdir()
    about = tmp_path / "chapters" / "about.html"
    bare = '<section id="on-paper">\n<h2>On paper</h2>\n</section>\n<section>\n</section>\n'
    about.write_text(bare, "utf8")
    (tmp_path / publishing.PDF).write_bytes(b"x" * 8_200_000)
    for _ in range(2):
        publishing.offer_pdf(tmp_path)
        (link,) = re.findall(r'<a href="(.*?)">', about.read_text("utf8"))
        assert (about.parent / link).resolve() == (tmp_path / publishing.PDF).resolve()
        assert "(8 MB)" in about.read_text("utf8").split("</section>")[0]
    publishing.forget_pdf(SimpleNamespace(outdir=tmp_path))
    assert about.read_text("utf8") == bare
    assert [*tmp_path.glob("*.pdf")] == []
