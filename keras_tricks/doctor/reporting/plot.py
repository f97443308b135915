"""One figure of the report, and the numbers it may be given."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Plot:
    """One figure of the report.

    Attributes:
        title: What is shown.
        caption: One line: what to look for.
        svg: The drawing.
        legend: List of `(name, class of its mark, what it came to)`.
        head: Names of the table's columns.
        rows: Rows of the table, lists of text.
        table: Title of the table.
    """

    title: str
    caption: str
    svg: str
    legend: list = dataclasses.field(default_factory=list)
    head: list = dataclasses.field(default_factory=list)
    rows: list = dataclasses.field(default_factory=list)
    table: str = "Values"


def finite(value):
    """Return a number as float, or `None` if there is none or it is not finite."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def column(rows, key):
    """Return one entry of each row, `None` where it is missing."""
    return [row.get(key) for row in rows]
