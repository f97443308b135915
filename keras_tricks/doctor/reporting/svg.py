"""Drawings as SVG text: no script, no file beside it, coloured by the page's CSS."""

import html

from keras_tricks.doctor.reporting.scale import Scale
from keras_tricks.doctor.reporting.words import clean, shortened

WIDTH, HEIGHT = 400, 232
_LEFT, _TOP, _BOTTOM = 46, 16, 36
_LINE = 13  # from one label to the next
_NAME = 14  # characters of a slanting label
LABEL = 19  # characters of a label beside a curve
NAMED = 12  # columns whose names find room below
_CROWD = 40  # columns that are better shown by smaller dots
_STYLES = 6  # classes s0 ... s5 of the page: colour and dashes


def escaped(text):
    """Return text that is safe between tags and inside quoted attributes."""
    return html.escape(clean(text))


class Frame:
    """A drawing with two axes, to which marks are added.

    Args:
        label: What the drawing shows, for those who do not see it.
        x: `Scale` from left to right.
        y: `Scale` from bottom to top.
        right: Room for labels right of the axes.
        height: Height of all.
        bottom: Room for labels below the axes.
    """

    def __init__(self, label, x, y, right=12, height=HEIGHT, bottom=_BOTTOM):
        self.label, self.x, self.y = label, x, y
        self.right, self.height = WIDTH - right, height
        self.bottom = height - bottom
        self.radius = 3.2
        self.parts = []

    def left_of(self, value):
        return _LEFT + self.x.at(value) * (self.right - _LEFT)

    def top_of(self, value):
        return self.bottom - self.y.at(value) * (self.bottom - _TOP)

    def text(self, x, y, text, kind, anchor="start", more=""):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}"'
            f"{more}>{escaped(text)}</text>"
        )

    def turned(self, x, y, text):
        """Add a slanting label that ends at a place."""
        self.text(
            x, y, text, "tick", "end", f' transform="rotate(-38 {x:.1f} {y:.1f})"'
        )

    def line(self, x1, y1, x2, y2, kind):
        self._add(
            "line", f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"', kind
        )

    def rectangle(self, x, y, width, height, kind, hint="", more=""):
        place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        self._add("rect", place + more, kind, hint)

    def mark(self, x, y, kind, hint, shape="dot"):
        """Add a dot, ring, diamond or cross, and a hint for the mouse."""
        d = self.radius + 1.5
        path = {
            "diamond": f'd="M{x - d:.1f} {y:.1f}l{d} {d}l{d}-{d}l-{d}-{d}z"',
            "cross": f'd="M{x - 4:.1f} {y - 4:.1f}l8 8m0-8l-8 8"',
        }.get(shape)
        circle = f'cx="{x:.1f}" cy="{y:.1f}" r="{self.radius}"'
        self._add("path" if path else "circle", path or circle, f"{shape} {kind}", hint)

    def bar(self, x, value, width, kind, hint):
        top = self.top_of(value)
        self.rectangle(x, top, width, self.bottom - top, f"bar {kind}", hint)

    def stem(self, place, value, kind, hint):
        """Add a thin column with a head: its length means little on a log axis."""
        x, y = self.left_of(place), self.top_of(value)
        self.line(x, self.bottom, x, y, f"stem {kind}")
        self.mark(x, y, kind, hint)

    def band(self, low, high):
        top = self.top_of(high)
        width, height = self.right - _LEFT, self.top_of(low) - top
        self.rectangle(_LEFT, top, width, height, "band")

    def cells(self, left, top, size, places, kind, shade):
        """Add squares of one shade at `(row, column)` places as one path."""
        corners = [f"M{left + size * c:.2f} {top + size * r:.2f}" for r, c in places]
        if corners:
            square = f"h{size:.2f}v{size:.2f}h-{size:.2f}z"
            path = "".join(corner + square for corner in corners)
            self._add("path", f'd="{path}" fill-opacity="{shade:.2f}"', kind)

    def y_axis(self):
        for value, label in self.y.ticks():
            y = self.top_of(value)
            self.line(_LEFT, y, self.right, y, "grid")
            self.text(_LEFT - 6, y + 4, label, "tick", "end")

    def x_axis(self, name):
        """Add the axis of steps, epochs or places: whole numbers only."""
        for value, _ in self.x.ticks(4):
            if value == int(value):
                x = self.left_of(value)
                self.line(x, self.bottom, x, self.bottom + 4, "axis")
                self.text(x, self.bottom + 16, f"{value:,.0f}", "tick", "middle")
        self.line(_LEFT, self.bottom, self.right, self.bottom, "axis")
        self.text(self.right, self.bottom + 31, name, "tick", "end")

    def svg(self):
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.height:.0f}" role="img" '
            f'aria-label="{escaped(self.label)}">{"".join(self.parts)}</svg>'
        )

    def _add(self, tag, place, kind, hint=""):
        title = f"<title>{escaped(hint)}</title>" if hint else ""
        self.parts.append(f'<{tag} {place} class="{kind}">{title}</{tag}>')


def columns(label, names, y, axis):
    """Return a `Frame` with a column for each name, at `left_of(1)`, `left_of(2)`, ...

    Few names are written below; of many, their numbers.

    Args:
        label: What the drawing shows.
        names: Names of the columns.
        y: `Scale` from bottom to top.
        axis: What a column is.
    """
    x = Scale(0.4, len(names) + 0.6)
    if len(names) > NAMED:
        frame = Frame(label, x, y)
        frame.radius = 3.2 if len(names) <= _CROWD else 2
        frame.y_axis()
        frame.x_axis(f"{axis}, counted from the input")
        return frame
    names = [shortened(name, _NAME) for name in names]
    bottom = 20 + 4 * max(map(len, names), default=0)
    frame = Frame(label, x, y, height=HEIGHT - _BOTTOM + bottom, bottom=bottom)
    frame.y_axis()
    frame.line(_LEFT, frame.bottom, frame.right, frame.bottom, "axis")
    for place, name in enumerate(names, 1):
        frame.turned(frame.left_of(place) + 4, frame.bottom + 13, name)
    return frame


def curve(frame, values, style):
    """Add a line through the places 1, 2, ...; it is broken where a value is `None`."""
    run, runs = [], []
    for index, value in _thinned(values):
        if value is None:
            runs, run = [*runs, run], []
        else:
            run.append((frame.left_of(index + 1), frame.top_of(value)))
    for points in filter(None, [*runs, run]):
        if len(points) == 1:
            frame.mark(*points[0], style, "")
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        frame.parts.append(f'<path d="M{path}" class="curve {style}"/>')


def end_labels(frame, ends):
    """Write names at the right ends of curves, none upon another.

    Args:
        frame: The `Frame`.
        ends: List of `(place, value, name, style)`.
    """
    ends = sorted(ends, key=lambda end: frame.top_of(end[1]))
    tops = spread([frame.top_of(end[1]) for end in ends], _LINE, _TOP, frame.bottom)
    for top, (place, _, name, style) in zip(tops, ends, strict=True):
        x = frame.left_of(place) + 9
        frame.text(x, top + 4, shortened(name, LABEL), f"name {style}")


def spread(places, distance, low, high):
    """Return sorted places moved apart to a distance, within bounds."""
    distance = min(distance, (high - low) / max(len(places) - 1, 1))
    places = list(places)
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + distance)
    bound = high
    for index in reversed(range(len(places))):
        places[index] = min(places[index], bound)
        bound = places[index] - distance
    return places


def style_of(index):
    """Return the class of the line with this number; the first has its own."""
    return f"s{(index - 1) % (_STYLES - 1) + 1 if index else 0}"


def _thinned(values, most=400):
    """Return pairs of index and value: of a long curve the extremes of stretches."""
    pairs = list(enumerate(values))
    size = -(-2 * len(pairs) // most)
    if size <= 2:
        return pairs
    kept = []
    for start in range(0, len(pairs), size):
        part = pairs[start : start + size]
        known = sorted((p for p in part if p[1] is not None), key=lambda p: p[1])
        gap = next((p for p in part if p[1] is None), None)
        kept += sorted({*known[:1], *known[-1:], *([gap] if gap else [])})
    return kept
