"""Where birds live: the colours and forms of the backgrounds."""

from dataclasses import dataclass

from keras_tricks.datasets._bird_species import (
    BLACK,
    BLUE,
    BROWN,
    BUFF,
    GREY,
    OLIVE,
    ORANGE,
    RED,
    RUST,
    SLATE,
    WHITE,
    YELLOW,
)

LEAF = (0.30, 0.45, 0.15)


@dataclass(frozen=True)
class Habitat:
    """A vertical gradient with strokes of one form on it.

    Colours are RGB in [0, 1]; `slimness` is the width of a stroke over its length;
    `angle` and its spread `turn` are in radians.
    """

    top: tuple
    bottom: tuple
    strokes: tuple
    slimness: float
    angle: float
    turn: float


# The strokes have the colours of plumages: colour alone must not find the species.
HABITATS = (
    Habitat(  # summer leaves
        top=(0.30, 0.42, 0.20),
        bottom=(0.16, 0.26, 0.12),
        strokes=(LEAF, OLIVE, YELLOW, RUST),
        slimness=0.5,
        angle=0.0,
        turn=3.0,
    ),
    Habitat(  # autumn leaves
        top=(0.70, 0.55, 0.35),
        bottom=(0.40, 0.28, 0.18),
        strokes=(RED, ORANGE, YELLOW, BROWN),
        slimness=0.6,
        angle=0.0,
        turn=3.0,
    ),
    Habitat(  # reeds
        top=(0.75, 0.72, 0.55),
        bottom=(0.50, 0.45, 0.28),
        strokes=(BUFF, OLIVE, BROWN, BLACK),
        slimness=0.06,
        angle=1.55,
        turn=0.25,
    ),
    Habitat(  # winter twigs
        top=(0.82, 0.85, 0.88),
        bottom=(0.62, 0.62, 0.64),
        strokes=(BROWN, BLACK, WHITE, RUST),
        slimness=0.05,
        angle=0.6,
        turn=1.2,
    ),
    Habitat(  # ripples on water
        top=(0.55, 0.68, 0.78),
        bottom=(0.20, 0.36, 0.50),
        strokes=(WHITE, BLUE, SLATE, BROWN),
        slimness=0.09,
        angle=0.0,
        turn=0.08,
    ),
    Habitat(  # clouds in the sky
        top=(0.30, 0.52, 0.82),
        bottom=(0.78, 0.84, 0.90),
        strokes=(WHITE, WHITE, GREY),
        slimness=0.45,
        angle=0.0,
        turn=0.2,
    ),
)
