import keras
import pytest

import keras_tricks as kt

advise = kt.optimizers.advise_weight_decay


# Parameters in millions and the values of PaddleClas.
@pytest.mark.parametrize(
    ("millions", "arguments", "l2_decay"),
    [
        (25.6, {}, 1e-4),  # ResNet50
        (25.6, {"heavy_augmentation": True}, 7e-5),
        (11.7, {}, 1e-4),  # ResNet18
        (0.47, {}, 3e-5),  # MobileNetV1_x0_25
        (5.5, {}, 3e-5),  # MobileNetV3 (large)
        (0.47, {"heavy_augmentation": True}, 2.1e-5),
        (25.6, {"num_examples": 1_281_167}, 1e-4),
        (36.5, {"num_examples": 50_000}, 5e-4),  # WRN-28-10 on CIFAR
    ],
)
def test_advice_is_what_the_tables_say(millions, arguments, l2_decay):
    advice = advise(int(millions * 1e6), **arguments)
    assert advice.l2_decay == l2_decay


def test_thresholds_are_where_they_are_said_to_be():
    assert advise(7_999_999).l2_decay < advise(8_000_000).l2_decay
    big = 10_000_000
    assert advise(big, 99_999).l2_decay > advise(big, 100_000).l2_decay


def test_model_is_asked_for_its_parameters():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert advise(model) == advise(8)


def test_advice_prints_its_reasons():
    text = str(advise(470_000, num_examples=5_000, heavy_augmentation=True))
    assert text.startswith("L2 decay 0.0001\n")
    for word in ("MobileNets", "x 0.7", "x 5"):
        assert word in text


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "`model` must be at least 1"),
        ((2.5e7,), TypeError, "`model` must be an integer"),
        ((100, 0), ValueError, "`num_examples` must be at least 1"),
        ((100, "many"), TypeError, "`num_examples` must be an integer"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        advise(*arguments)
