"""The species of `birds`: families of look-alikes that differ in one or two marks."""

from dataclasses import dataclass, replace

BLACK, WHITE, GREY, SLATE = (
    (0.10, 0.10, 0.12),
    (0.95, 0.94, 0.90),
    (0.58, 0.58, 0.58),
    (0.35, 0.40, 0.48),
)
BROWN, RUST, BUFF = (0.42, 0.30, 0.20), (0.62, 0.33, 0.18), (0.84, 0.74, 0.56)
RED, ORANGE, YELLOW = (0.80, 0.14, 0.12), (0.90, 0.52, 0.16), (0.92, 0.80, 0.25)
OLIVE, BLUE = (0.48, 0.50, 0.24), (0.16, 0.42, 0.72)


@dataclass(frozen=True)
class Plumage:
    """How a species looks.

    Colours are RGB in [0, 1]; a mark is None where the species has none. Angles are in
    radians. Lengths are in units that make the body 0.6 long; `roundness` is its height
    over its length.
    """

    back: tuple
    belly: tuple
    wing: tuple
    bill: tuple = BLACK
    legs: tuple = BROWN
    cap: tuple | None = None
    mask: tuple | None = None
    bib: tuple | None = None
    spots: tuple | None = None
    wing_bar: tuple | None = None
    eye_ring: tuple | None = None
    roundness: float = 0.7
    posture: float = 0.45
    neck: float = 0.2
    head_radius: float = 0.15
    crest: float = 0.0
    bill_length: float = 0.16
    bill_depth: float = 0.035
    bill_bend: float = 0.0
    tail_length: float = 0.36
    tail_fork: float = 0.08
    leg_length: float = 0.12


_FINCH = Plumage(
    back=BROWN,
    belly=BUFF,
    wing=RUST,
    bill=GREY,
    roundness=0.78,
    bill_depth=0.075,
    tail_length=0.3,
)
_WARBLER = Plumage(
    back=OLIVE,
    belly=YELLOW,
    wing=BROWN,
    roundness=0.62,
    head_radius=0.135,
    bill_depth=0.026,
)
_TIT = Plumage(
    back=SLATE,
    belly=BUFF,
    wing=GREY,
    roundness=0.85,
    head_radius=0.165,
    crest=0.17,
    bill_length=0.11,
)
_THRUSH = Plumage(
    back=BROWN,
    belly=WHITE,
    wing=BROWN,
    bill=ORANGE,
    neck=0.23,
    tail_length=0.42,
    leg_length=0.18,
)
_WADER = Plumage(
    back=BROWN,
    belly=WHITE,
    wing=GREY,
    legs=ORANGE,
    posture=0.2,
    neck=0.27,
    head_radius=0.125,
    bill_length=0.4,
    bill_depth=0.045,
    tail_length=0.2,
    leg_length=0.34,
)
_WAGTAIL = Plumage(
    back=GREY,
    belly=WHITE,
    wing=SLATE,
    bib=BLACK,
    roundness=0.58,
    posture=0.15,
    head_radius=0.13,
    tail_length=0.56,
    leg_length=0.19,
)
_KINGFISHER = Plumage(
    back=BLUE,
    belly=RUST,
    wing=BLUE,
    legs=RED,
    bib=WHITE,
    posture=0.8,
    head_radius=0.175,
    bill_length=0.33,
    bill_depth=0.05,
    tail_length=0.17,
    leg_length=0.05,
)

# Look-alikes stand together: whatever the number of species, most have a double.
SPECIES = {
    "red-capped finch": replace(_FINCH, cap=RED),
    "bar-winged finch": replace(_FINCH, cap=RED, wing_bar=WHITE),
    "bearded finch": replace(_FINCH, cap=RED, bib=BLACK),
    "spectacled finch": replace(_FINCH, cap=RED, eye_ring=WHITE),
    "olive warbler": _WARBLER,
    "bar-winged warbler": replace(_WARBLER, wing_bar=WHITE),
    "spectacled warbler": replace(_WARBLER, eye_ring=WHITE),
    "masked warbler": replace(_WARBLER, mask=BLACK),
    "crested tit": _TIT,
    "masked tit": replace(_TIT, mask=BLACK),
    "brown thrush": _THRUSH,
    "speckled thrush": replace(_THRUSH, spots=BROWN),
    "straight-billed wader": _WADER,
    "curve-billed wader": replace(_WADER, bill_bend=1.1),
    "bearded wagtail": _WAGTAIL,
    "fork-tailed wagtail": replace(_WAGTAIL, tail_fork=0.45),
    "black-billed kingfisher": _KINGFISHER,
    "red-billed kingfisher": replace(_KINGFISHER, bill=RED),
}
