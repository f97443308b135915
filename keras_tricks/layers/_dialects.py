"""What a magnitude means: every implementation has a dialect of its own.

A dialect names the operations, and for each what a level from 0 to `max_level` makes of
its argument. The same level 9 rotates by 9 degrees in torchvision and by 27 in timm.
"""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Dialect:
    """The meaning of a magnitude.

    Args:
        arguments: For every operation a function of the level as a fraction in [0, 1]
            and of a sign, 1 or -1, that returns the operation's argument.
        max_level: The highest level.
        step: What levels are multiples of.
        probability: Probability of each operation.
        fill_value: Value of pixels from outside the image, 0 to 255.
        translation: Unit of translations: `"pixels"` or `"fraction"` of the image.
        whole_pixels: Whether translations are cut to whole pixels.
    """

    arguments: dict[str, Callable]
    max_level: int = 10
    step: float = 0.1
    probability: float = 1.0
    fill_value: int | tuple = 0
    translation: str = "fraction"
    whole_pixels: bool = False

    def argument(self, operation, level, sign=1):
        """Return the argument of an operation at a level."""
        return float(self.arguments[operation](level / self.max_level, sign))


def _signed(limit):
    return lambda level, sign: sign * limit * level


def _none(level, sign):
    return 0


def _geometry(shear, translate, rotate):
    return {
        "ShearX": _signed(shear),
        "ShearY": _signed(shear),
        "TranslateX": _signed(translate),
        "TranslateY": _signed(translate),
        "Rotate": _signed(rotate),
    }


def _enhancements(function):
    names = ("Brightness", "Color", "Contrast", "Sharpness")
    return dict.fromkeys(names, function)


def _unsigned_factor(level, sign):
    return 0.1 + 1.8 * level


def _signed_factor(limit):
    return lambda level, sign: max(1 - limit, 1 + sign * limit * level)


def _torchvision(translate, shear=0.3, rotate=30, enhance=0.9, bits=(8, 4)):
    """Return torchvision's operations, all stronger at a higher level."""
    return {
        **_geometry(shear, translate, rotate),
        **_enhancements(_signed_factor(enhance)),
        "Posterize": lambda level, sign: bits[0] - round((bits[0] - bits[1]) * level),
        "Solarize": lambda level, sign: 255 - 255 * level,
        "AutoContrast": _none,
        "Equalize": _none,
    }


def _tpu(translate, lowest_bits=0):
    """Return the operations of Google's code for TPUs.

    Posterize and solarize are weaker at a higher level.
    """
    return {
        "AutoContrast": _none,
        "Equalize": _none,
        "Rotate": _signed(30),
        "Solarize": lambda level, sign: int(256 * level),
        **_enhancements(_unsigned_factor),
        "Posterize": lambda level, sign: lowest_bits + int(4 * level),
        **_geometry(0.3, translate, 30),
    }


_IDENTITY = {"Identity": _none}
_INVERT = {"Invert": _none}
_TIMM_ONLY = {**_INVERT, "SolarizeAdd": lambda level, sign: int(110 * level)}
_TIMM_INCREASING = {
    "Posterize": lambda level, sign: 4 - int(4 * level),
    "Solarize": lambda level, sign: 256 - int(256 * level),
    **_enhancements(_signed_factor(0.9)),
}
_TIMM_FILL = (124, 116, 104)  # the mean colour of ImageNet
_AUTO_TRANSLATE = 150 / 331  # the paper: 150 pixels, of ImageNet images of 331

RAND_AUGMENT = {
    "torchvision": Dialect(
        {**_IDENTITY, **_torchvision(_AUTO_TRANSLATE)},
        max_level=30,
        step=1,
        whole_pixels=True,
    ),
    "timm": Dialect(
        {**_tpu(0.45), **_TIMM_ONLY}, probability=0.5, fill_value=_TIMM_FILL
    ),
    "timm_increasing": Dialect(
        {**_tpu(0.45), **_TIMM_ONLY, **_TIMM_INCREASING},
        probability=0.5,
        fill_value=_TIMM_FILL,
    ),
    "paper": Dialect({**_IDENTITY, **_tpu(100)}, fill_value=128, translation="pixels"),
}

AUTO_AUGMENT = {
    "torchvision": Dialect(
        {**_torchvision(_AUTO_TRANSLATE), **_INVERT},
        max_level=9,
        step=1,
        whole_pixels=True,
    ),
    "timm": Dialect({**_tpu(0.45, lowest_bits=4), **_INVERT}, fill_value=_TIMM_FILL),
    "paper": Dialect(
        {**_tpu(_AUTO_TRANSLATE, lowest_bits=4), **_INVERT}, fill_value=128
    ),
}

TRIVIAL_AUGMENT = Dialect(
    {
        **_IDENTITY,
        **_torchvision(32, shear=0.99, rotate=135, enhance=0.99, bits=(8, 2)),
    },
    max_level=30,
    step=1,
    translation="pixels",
    whole_pixels=True,
)

_MIXED = _torchvision(1 / 3, bits=(4, 0))
AUG_MIX = Dialect(_MIXED, max_level=9, step=1, whole_pixels=True)
AUG_MIX_PAPER = dataclasses.replace(
    AUG_MIX,
    arguments={k: v for k, v in _MIXED.items() if k not in _enhancements(None)},
)
