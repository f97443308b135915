"""How one bird is drawn: a few shapes painted over each other, from tail to wing."""

from cmath import rect
from dataclasses import dataclass
from math import pi

import numpy as np

from keras_tricks.datasets._bird_species import BLACK, WHITE
from keras_tricks.datasets._brush import Brush


@dataclass(frozen=True)
class Pose:
    """Where a bird is and how it holds itself.

    `x` and `y` are the middle of the body and `size` the unit of its lengths, in
    pixels; `facing` is 1 (right) or -1 (left); the rest are angles in radians, 0 at
    rest.
    """

    x: float
    y: float
    size: float
    facing: int = 1
    lean: float = 0.0
    head: float = 0.0
    tail: float = 0.0
    wing: float = 0.0


def draw_bird(canvas, plumage, pose):
    """Paint a bird on the canvas, float32 RGB (3, height, width), in place.

    Returns how much of each pixel it covers, float32 (height, width) in [0, 1].
    """
    brush = bird_brush(canvas, pose, _reach(plumage))
    _draw_tail(brush, plumage, pose)
    _draw_legs(brush, plumage)
    _draw_body(brush, plumage, pose)
    _draw_head(brush, plumage, pose)
    _draw_wing(brush, plumage, pose)
    brush.patch *= 1 + 0.5 * brush.covered * np.clip(brush.y, -0.3, 0.3)
    covered = np.zeros_like(canvas[0])
    covered[brush.window] = brush.covered
    return covered


def bird_brush(canvas, pose, reach):
    """Return a brush in the bird's frame: the bill points to +x, the back to +y."""
    return Brush(canvas, pose.x, pose.y, pose.size, pose.lean, pose.facing, reach)


def _reach(plumage):
    """Return how far bill, crest, tail or toes are from the middle of the body."""
    bill = 0.8 * plumage.head_radius + plumage.bill_length
    head = 0.2 + plumage.neck + max(bill, plumage.head_radius + plumage.crest)
    return max(head, 0.2 + plumage.tail_length, plumage.leg_length + 0.25) + 0.06


def _draw_tail(brush, plumage, pose):
    direction = pi + plumage.posture + pose.tail
    root = rect(-0.2, plumage.posture)
    one = root + rect(plumage.tail_length, direction + plumage.tail_fork)
    other = root + rect(plumage.tail_length, direction - plumage.tail_fork)
    feathers = (brush.taper(root, tip, 0.05, 0.045) for tip in (one, other))
    brush.paint(np.minimum(*feathers), _darker(plumage.wing))


def _draw_legs(brush, plumage):
    for hip, colour in ((0.05, _darker(plumage.legs)), (-0.03, plumage.legs)):
        foot = hip - 1j * (plumage.leg_length + 0.23)
        shin = brush.taper(hip - 0.15j, foot, 0.02, 0.014)
        toes = brush.taper(foot - 0.03, foot + 0.07, 0.014, 0.01)
        brush.paint(np.minimum(shin, toes), colour)


def _draw_body(brush, plumage, pose):
    axis, thick = plumage.posture, 0.3 * plumage.roundness
    head = _head(plumage, pose)
    trunk = brush.ellipse(0j, 0.3, thick, axis)
    neck = brush.taper(rect(0.1, axis), head, 0.85 * thick, 0.9 * plumage.head_radius)
    body = brush.paint(np.minimum(trunk, neck), plumage.back)
    middle = rect(0.12, axis) + rect(0.6 * thick, axis - 1.5)
    below = brush.ellipse(middle, 0.32, 0.85 * thick, axis + 0.25)
    belly = brush.paint(below, plumage.belly, body)
    if plumage.spots:
        dots = np.sin(34 * brush.x) * np.sin(34 * brush.y)
        brush.paint((0.25 - dots) / 34, plumage.spots, belly)


def _draw_head(brush, plumage, pose):
    centre, radius, tilt = _head(plumage, pose), plumage.head_radius, 0.6 * pose.head
    ahead = rect(radius, tilt)
    _draw_bill(brush, plumage, centre + ahead * (0.8 - 0.05j), tilt)
    if plumage.crest:
        tip = centre + rect(radius + plumage.crest, tilt + 2.2)
        crest = brush.taper(centre + 0.3j * radius, tip, 0.8 * radius, 0.01)
        brush.paint(crest, plumage.back)
    head = brush.paint(brush.ellipse(centre, radius, radius), plumage.back)
    if plumage.bib:
        throat = centre + ahead * (0.55 - 0.75j)
        bib = brush.ellipse(throat, 0.75 * radius, 0.6 * radius)
        brush.paint(bib, plumage.bib, brush.covered)
    if plumage.cap:
        crown = centre + ahead * (-0.1 + 0.75j)
        cap = brush.ellipse(crown, 1.2 * radius, 0.7 * radius, tilt)
        brush.paint(cap, plumage.cap, head)
    _draw_eye(brush, plumage, centre + ahead * (0.35 + 0.15j), -1.25 * ahead, head)


def _draw_bill(brush, plumage, root, tilt):
    third, depth = plumage.bill_length / 3 + 0.01, plumage.bill_depth
    distance = np.inf
    for part in range(3):
        tip = root + rect(third, tilt - plumage.bill_bend * part / 2)
        piece = brush.taper(root, tip, depth * (1 - part / 3), depth * (2 - part) / 3)
        distance, root = np.minimum(distance, piece), tip
    brush.paint(distance, plumage.bill)


def _draw_eye(brush, plumage, eye, to_nape, head):
    if plumage.mask:
        width = 0.26 * plumage.head_radius
        mask = brush.taper(eye - 0.6 * to_nape, eye + to_nape, width, width)
        brush.paint(mask, plumage.mask, head)
    if plumage.eye_ring:
        brush.paint(brush.ellipse(eye, 0.075, 0.075), plumage.eye_ring)
    brush.paint(brush.ellipse(eye, 0.036, 0.036), BLACK)
    brush.paint(brush.ellipse(eye + 0.012 + 0.012j, 0.012, 0.012), WHITE)


def _draw_wing(brush, plumage, pose):
    direction, thick = pi + plumage.posture + 0.08 - pose.wing, 0.16 * plumage.roundness
    shoulder = rect(0.07, plumage.posture) + 0.05j
    tip = shoulder + rect(0.44, direction)
    wing = brush.paint(brush.taper(shoulder, tip, thick, 0.02), plumage.wing)
    middle = shoulder + rect(0.22, direction)
    feathers = brush.taper(middle, tip, 0.5 * thick, 0.02)
    brush.paint(feathers, _darker(plumage.wing), wing)
    if plumage.wing_bar:
        place, half = shoulder + rect(0.11, direction), rect(0.2, direction + 1.3)
        bar = brush.taper(place - half, place + half, 0.026, 0.026)
        brush.paint(bar, plumage.wing_bar, wing)


def _head(plumage, pose):
    return rect(0.2, plumage.posture) + rect(plumage.neck, 0.95 + pose.head)


def _darker(colour):
    return tuple(0.67 * channel for channel in colour)
