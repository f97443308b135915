"""Anti-aliased shapes on a NumPy canvas, from their signed distances."""

from cmath import rect

import numpy as np


class Brush:
    """Paints on a square of the canvas in a frame of its own.

    The canvas is float32 RGB in planes, (3, height, width): NumPy paints these several
    times faster than (height, width, 3).

    The frame's origin is the pixel position (`x`, `y`), its unit is `size` pixels and
    +y is up; it is turned by `angle` radians against the clock, then mirrored when
    `facing` is -1. The square has sides of `2 * reach` units, cut at the border. Points
    of the frame are complex numbers.

    `covered` is the union of all that was painted, (rows, columns) in [0, 1].
    """

    def __init__(self, canvas, x, y, size, angle=0.0, facing=1, reach=1.0):
        height, width = canvas.shape[1:]
        rows, columns = _span(y, reach * size, height), _span(x, reach * size, width)
        right = (_middles(columns) - x) * (facing / size)
        up = (y - _middles(rows)[:, None]) * (1 / size)
        turn = rect(1, angle)
        self.x = turn.real * right + turn.imag * up
        self.y = turn.real * up - turn.imag * right
        self.size = size
        self.window = rows, columns
        self.patch = canvas[:, rows, columns]
        self.covered = np.zeros_like(self.x)

    def ellipse(self, centre, along, across, angle=0.0):
        """Return the signed distance to an ellipse, exact on its shorter axis."""
        turn = rect(1, angle)
        x, y = self.x - centre.real, self.y - centre.imag
        u = x * (turn.real / along) + y * (turn.imag / along)
        v = y * (turn.real / across) - x * (turn.imag / across)
        return (np.sqrt(u * u + v * v) - 1) * min(along, across)

    def taper(self, start, end, start_radius, end_radius):
        """Return the signed distance to a stroke whose radius changes evenly."""
        stroke = end - start
        unit = stroke / abs(stroke) ** 2
        x, y = self.x - start.real, self.y - start.imag
        part = np.clip(x * unit.real + y * unit.imag, 0, 1)
        x -= part * stroke.real
        y -= part * stroke.imag
        radius = start_radius + part * (end_radius - start_radius)
        return np.sqrt(x * x + y * y) - radius

    def paint(self, distance, colour, within=None):
        """Colour where `distance` is negative; return the coverage in [0, 1].

        With `within`, a coverage, the colour stays inside it.
        """
        mask = np.clip(0.5 - distance * self.size, 0, 1)
        if within is None:
            np.maximum(self.covered, mask, out=self.covered)
        else:
            mask *= within
        self.patch += mask * (np.float32(colour)[:, None, None] - self.patch)
        return mask


def to_picture(canvas):
    """Turn planes in [0, 1], (3, height, width), into uint8 (height, width, 3)."""
    return (np.clip(canvas, 0, 1) * 255 + 0.5).astype("uint8").transpose(1, 2, 0)


def _span(middle, half, length):
    first = min(max(int(middle - half), 0), length)
    return slice(first, max(min(int(middle + half) + 1, length), first))


def _middles(span):
    return np.arange(span.start, span.stop, dtype="float32") + 0.5
