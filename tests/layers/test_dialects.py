"""The private dialects have tests of their own: the published figures, and the peers.

A layer shows only what an operation does to an image, not its argument.
"""

import math

import numpy as np
import pytest

from keras_tricks.layers import _dialects
from keras_tricks.layers._dialects import AUTO_AUGMENT, RAND_AUGMENT

ALL = {
    **{f"rand_{name}": dialect for name, dialect in RAND_AUGMENT.items()},
    **{f"auto_{name}": dialect for name, dialect in AUTO_AUGMENT.items()},
    "trivial": _dialects.TRIVIAL_AUGMENT,
    "mix": _dialects.AUG_MIX,
}
SIGNED = {"ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate"}
ENHANCE = {"Brightness", "Color", "Contrast", "Sharpness"}


def test_level_nine_is_what_the_docstring_says():
    figures = {
        name: {
            operation: dialect.argument(operation, 9)
            for operation in ("Rotate", "ShearX", "TranslateX", "Color", "Posterize")
        }
        for name, dialect in RAND_AUGMENT.items()
    }
    expected = {
        "torchvision": (9, 0.09, 45 / 331, 1.27, 7),
        "timm": (27, 0.27, 0.405, 1.72, 3),
        "timm_increasing": (27, 0.27, 0.405, 1.81, 1),
        "paper": (27, 0.27, 90, 1.72, 3),
    }
    for name, arguments in expected.items():
        assert tuple(figures[name].values()) == pytest.approx(arguments)


@pytest.mark.parametrize("name", ALL)
def test_sign_turns_round_what_moves_pixels(name):
    dialect = ALL[name]
    for operation in dialect.arguments:
        up, down = (dialect.argument(operation, 1, sign) for sign in (1, -1))
        if operation in SIGNED:
            assert up == -down
            assert up > 0
        elif operation not in ENHANCE:
            assert up == down


def test_numbers_of_operations_are_the_papers():
    counts = {name: len(dialect.arguments) for name, dialect in ALL.items()}
    assert counts == {
        "rand_torchvision": 14,
        "rand_timm": 15,
        "rand_timm_increasing": 15,
        "rand_paper": 14,
        "auto_torchvision": 14,
        "auto_timm": 14,
        "auto_paper": 14,
        "trivial": 14,
        "mix": 13,
    }
    assert len(_dialects.AUG_MIX_PAPER.arguments) == 9


def torchvision_space(name, size):
    from torchvision.transforms import autoaugment

    kind, bins = {
        "rand_torchvision": (autoaugment.RandAugment, 31),
        "auto_torchvision": (autoaugment.AutoAugment, 10),
        "trivial": (autoaugment.TrivialAugmentWide, 31),
        "mix": (autoaugment.AugMix, 10),
    }[name]
    sizes = () if name == "trivial" else (size,)
    return kind()._augmentation_space(bins, *sizes)


@pytest.mark.reference
@pytest.mark.parametrize(
    "name", ["rand_torchvision", "auto_torchvision", "trivial", "mix"]
)
def test_levels_are_torchvisions(timm, name):
    dialect, size = ALL[name], (180, 224)
    space = torchvision_space(name, size)
    assert set(space) == set(dialect.arguments)
    for operation, (magnitudes, signed) in space.items():
        assert signed == (operation in SIGNED | ENHANCE)
        if not magnitudes.ndim:
            continue
        assert len(magnitudes) == dialect.max_level + 1
        for level, magnitude in enumerate(magnitudes.tolist()):
            for sign in (1, -1) if signed else (1,):
                mine = dialect.argument(operation, level, sign)
                if "Translate" in operation and dialect.translation == "fraction":
                    mine *= size[1] if operation == "TranslateX" else size[0]
                theirs = sign * magnitude + (operation in ENHANCE)
                assert mine == pytest.approx(theirs, abs=1e-4)
                if operation == "Solarize":  # the same values are inverted
                    assert math.ceil(np.float32(mine)) == math.ceil(theirs)


TIMM_NAMES = {
    "rand_timm": "{}",
    "rand_timm_increasing": "{}Increasing",
    "auto_timm": "{}Original",
    "auto_paper": "{}Original",
}


@pytest.mark.reference
@pytest.mark.parametrize("name", TIMM_NAMES)
def test_levels_are_timms(timm, name, monkeypatch):
    from timm.data import auto_augment

    dialect = ALL[name]
    names = auto_augment._RAND_TRANSFORMS
    if name.startswith("rand"):
        assert {n.removesuffix("Rel") for n in names} == set(dialect.arguments)
        assert auto_augment.rand_augment_transform("rand-m9").ops[0].prob == 0.5
    for operation in dialect.arguments:
        theirs = TIMM_NAMES[name].format(operation)
        theirs = theirs if theirs in auto_augment.LEVEL_TO_ARG else operation
        if operation.startswith("Translate"):
            theirs = f"{operation}Rel"
        function = auto_augment.LEVEL_TO_ARG[theirs]
        if function is None or (name == "auto_paper" and "Translate" in operation):
            continue
        for sign in (1, -1):
            value = -1.0 if sign == -1 else 1.0
            monkeypatch.setattr(
                auto_augment, "_randomly_negate", lambda v, value=value: value * v
            )
            for level in np.arange(0, 101) / 10:
                assert dialect.argument(operation, level, sign) == pytest.approx(
                    function(level, {})[0], abs=1e-9
                )
