"""Drop from style sheets the rules that no page of the site can need."""

import re

import tinycss2

NAME = re.compile(r"[.#]((?:\\.|[\w-])+)")
ARGUMENTS = re.compile(r"\([^()]*\)")
GROUPS = {"media", "supports", "layer"}


def words(texts):
    """Every word of pages and scripts: what could be the name of a class or an element."""
    return {word for text in texts for word in re.findall(r"[\w-]+", text)}


def possible(selector, known):
    """Whether the classes and ids that a selector asks for are among the words known."""
    while ARGUMENTS.search(selector):  # :not(.x) asks for none, :is(.x, .y) for either
        selector = ARGUMENTS.sub("", selector)
    names = (re.sub(r"\\(.)", r"\1", name) for name in NAME.findall(selector))
    return all(set(re.findall(r"[\w-]+", name)) <= known for name in names)


def _serialize(rules, known):
    parts = []
    for rule in rules:
        if rule.type == "qualified-rule":
            selector = tinycss2.serialize(rule.prelude)
            kept = [part for part in split(selector) if possible(part, known)]
            if kept:
                parts.append(f"{','.join(kept)}{{{tinycss2.serialize(rule.content)}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in GROUPS and rule.content:
            inner = _serialize(tinycss2.parse_rule_list(rule.content, skip_comments=True), known)
            if inner:
                head = f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}"
                parts.append(f"{head}{{{inner}}}")
        else:
            parts.append(rule.serialize())
    return "".join(parts)


def split(selector):
    """The parts of a list of selectors: at the commas outside parentheses, brackets and strings."""
    parts, depth, start, quote = [], 0, 0, ""
    for at, sign in enumerate(selector):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(selector[start:at])
            start = at + 1
    return [*parts, selector[start:]]


def purged(css, known):
    """A style sheet without the rules for classes and elements that are not among `known`."""
    return _serialize(tinycss2.parse_stylesheet(css, skip_whitespace=True), set(known))
