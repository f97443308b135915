import pytest

import keras_tricks as kt

scale = kt.schedules.scale_learning_rate


def test_base_batch_size_leaves_the_rate():
    assert scale(0.1, 256) == 0.1
    assert scale(0.1, 64, base_batch_size=64, rule="sqrt") == 0.1


def test_rules():
    assert scale(0.1, 1024) == pytest.approx(0.4)
    assert scale(0.1, 1024, rule="sqrt") == pytest.approx(0.2)
    assert scale(0.5, 32, base_batch_size=128) == pytest.approx(0.125)


def test_the_global_batch_counts():
    once = scale(0.1, 32 * 8 * 2, rule="sqrt")
    assert scale(0.1, 32, 256, "sqrt", 8, 2) == once
    assert scale(0.1, 32, replicas=8) == pytest.approx(0.1)
    assert scale(0.1, 32, gradient_accumulation_steps=4) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0.1, 0), ValueError, "`batch_size` must be at least 1"),
        ((0.1, 32.0), TypeError, "`batch_size` must be an integer"),
        ((-1, 32), ValueError, "`base` must be at least 0"),
        ((0.1, 32, 0), ValueError, "`base_batch_size`"),
        ((0.1, 32, 256, "cubic"), ValueError, "`rule` must be one of 'linear', 'sqrt'"),
        ((0.1, 32, 256, "sqrt", 0), ValueError, "`replicas` must be at least 1"),
        (
            (0.1, 32, 256, "sqrt", 1, 1.5),
            TypeError,
            "`gradient_accumulation_steps` must be an integer",
        ),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        scale(*arguments)
