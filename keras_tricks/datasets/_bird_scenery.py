"""What is around a drawn bird: background, perch, leaves, light and lens."""

from functools import lru_cache

import numpy as np

from keras_tricks.datasets._bird_drawing import bird_brush
from keras_tricks.datasets._bird_habitats import HABITATS
from keras_tricks.datasets._brush import Brush


def draw_background(rng, size):
    """Return a habitat out of focus, float32 RGB (3, size, size)."""
    habitat = HABITATS[rng.integers(len(HABITATS))]
    # Half the resolution is a quarter of the work, and the blur is wanted.
    half = size // 2
    top = _vary(rng, habitat.top)[:, None, None]
    bottom = _vary(rng, habitat.bottom)[:, None, None]
    down = np.linspace(0, 1, half, dtype="float32")[:, None]
    canvas = (top + (bottom - top) * down).repeat(half, axis=2)  # (3, half, half)
    draw_strokes(canvas, rng, habitat, rng.integers(3, 10), longest=0.35)
    canvas *= 1 + 0.16 * _clouds(rng, half, 5) + 0.1 * _clouds(rng, half, 16)
    return _stretch(half, size) @ canvas @ _stretch(half, size).T


def draw_strokes(canvas, rng, habitat, count, longest):
    """Paint leaves, reeds or the like, at most `2 * longest` of the height long.

    Returns how much of each pixel they cover, float32 (height, width) in [0, 1].
    """
    height, width = canvas.shape[1:]
    covered = np.zeros_like(canvas[0])
    for _ in range(count):
        brush = Brush(
            canvas,
            x=rng.uniform(0, width),
            y=rng.uniform(0, height),
            size=rng.uniform(0.4, 1) * longest * height,
            angle=habitat.angle + rng.uniform(-1, 1) * habitat.turn,
        )
        colour = habitat.strokes[rng.integers(len(habitat.strokes))]
        brush.paint(brush.ellipse(0j, 1, habitat.slimness), _vary(rng, colour))
        covered[brush.window] = np.maximum(covered[brush.window], brush.covered)
    return covered


def draw_perch(canvas, rng, plumage, pose):
    """Paint a branch under the feet of a bird that is drawn afterwards."""
    brush = bird_brush(canvas, pose, reach=3)
    foot = -1j * (plumage.leg_length + 0.27)
    along = 3 + 1.8j * rng.uniform(-1, 1)
    branch = brush.taper(foot - along, foot + along, 0.05, 0.02)
    brush.paint(branch, rng.uniform((0.2, 0.15, 0.1), (0.6, 0.5, 0.4)))


def light(canvas, rng):
    """Return a square canvas with shadows, another brightness, contrast and cast."""
    shadows = 1 + 0.22 * _clouds(rng, canvas.shape[1], 3)
    cast = rng.uniform(0.85, 1.15, (3, 1, 1)) * rng.uniform(0.75, 1.25)
    contrast = np.float32(rng.uniform(0.7, 1.15))
    return (canvas * shadows * np.float32(cast) - 0.5) * contrast + 0.5


def photograph(canvas, rng, blurs=4):
    """Return a square canvas in one of the `blurs` and with the sensor's noise."""
    blur = _blur(canvas.shape[1], rng.integers(blurs))
    noise = rng.standard_normal(canvas.shape, "float32")
    return blur @ canvas @ blur.T + np.float32(rng.uniform(0.01, 0.035)) * noise


def _clouds(rng, size, cells):
    stretch = _stretch(cells, size)
    return stretch @ rng.standard_normal((cells, cells), "float32") @ stretch.T


@lru_cache
def _stretch(short, long):
    """Return the matrix of linear interpolation, (long, short)."""
    place = np.clip((np.arange(long) + 0.5) * short / long - 0.5, 0, short - 1)
    return np.float32(np.maximum(1 - np.abs(place[:, None] - np.arange(short)), 0))


@lru_cache
def _blur(size, level):
    """Return the matrix of a Gaussian of `level / 256` of the side, (size, size)."""
    sigma = max(level * size / 256, 1e-2)
    steps = np.arange(size)[:, None] - np.arange(size)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    return np.float32(weights / weights.sum(axis=1, keepdims=True))


def _vary(rng, colour):
    return np.float32(colour + rng.normal(0, 0.06, 3))
