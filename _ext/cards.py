"""Wide tables, on a phone: each row a card, each cell labelled with its column's heading.

The style sheet stacks the cells of tables of the class `bn-cards`; the labels are put here.
"""

import re
from html import escape

from sections import plain

WIDE = 61  # the signs of the longest cell of each column, together: what a phone cannot show
TABLE = re.compile(r"<table.*?</table>", re.S)
ROW = re.compile(r"<tr.*?</tr>", re.S)
CELL = re.compile(r"<(t[hd])([ >].*?</\1>)", re.S)
ROLES = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row"}


def stacked(match):
    """A table with labelled cells, if it is wide. Roles keep it a table for screen readers."""
    table = match[0]
    rows = [[plain(cell[0]) for cell in CELL.finditer(row)] for row in ROW.findall(table)]
    if sum(max(map(len, column)) for column in zip(*rows, strict=True)) < WIDE:
        return table

    def labelled(row):
        heads = iter(rows[0])
        return CELL.sub(lambda cell: with_label(cell, next(heads)), row[0])

    table = ROW.sub(labelled, table)
    for tag, role in ROLES.items():
        table = re.sub(rf"<{tag}\b", f'<{tag} role="{role}"', table)
    return table.replace('class="table"', 'class="table bn-cards"', 1)


def with_label(cell, head):
    tag, rest = cell[1], cell[2]
    if tag == "th":
        return f'<th role="columnheader"{rest}'
    label = f'data-label="{escape(head)}"' if plain(cell[0]) else "data-empty"
    return f'<td role="cell" {label}{rest}'


def mark(app, pagename, templatename, context, doctree):
    context["body"] = TABLE.sub(stacked, context.get("body", ""))


def setup(app):
    app.connect("html-page-context", mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
