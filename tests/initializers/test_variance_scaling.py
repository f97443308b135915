import json

import keras
import numpy as np
import pytest

import keras_tricks as kt

variance_scaling = kt.initializers.variance_scaling

# Variables of Keras 3.15.1 and tensors of torch 2.13 make NumPy 2 warn so.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)

# The standard deviation of a normal cut at two standard deviations.
CUT = 0.87962566103423978


def values(initializer, shape=(40, 3000)):
    return keras.ops.convert_to_numpy(initializer(shape)).astype("float64")


def test_default_is_he_truncated_normal():
    drawn, sigma = values(variance_scaling(seed=1)), np.sqrt(2 / 40)
    assert drawn.std() == pytest.approx(sigma, rel=0.01)
    assert drawn.mean() == pytest.approx(0, abs=0.01 * sigma)
    limit = 2 * sigma / CUT
    assert 0.995 * limit < np.abs(drawn).max() <= limit * (1 + 1e-6)


def test_default_equals_he_normal_of_keras():
    drawn = values(variance_scaling(seed=3), (5, 7))
    assert np.array_equal(drawn, values(keras.initializers.HeNormal(seed=3), (5, 7)))


@pytest.mark.parametrize(
    ("mode", "fan"), [("fan_in", 40), ("fan_out", 3000), ("fan_avg", 1520)]
)
def test_mode_picks_the_fan(mode, fan):
    drawn = values(variance_scaling(3.0, mode, seed=1))
    assert drawn.std() == pytest.approx(np.sqrt(3 / fan), rel=0.01)


def test_untruncated_normal_goes_beyond():
    drawn = values(variance_scaling(distribution="untruncated_normal", seed=1))
    assert drawn.std() == pytest.approx(np.sqrt(2 / 40), rel=0.01)
    assert np.abs(drawn).max() > 3 * np.sqrt(2 / 40)


def test_uniform_fills_its_interval():
    drawn = values(variance_scaling(distribution="uniform", seed=1))
    limit = np.sqrt(3 * 2 / 40)
    assert drawn.std() == pytest.approx(np.sqrt(2 / 40), rel=0.01)
    assert 0.99 * limit < np.abs(drawn).max() <= limit * (1 + 1e-6)


def test_convolution_counts_its_window():
    drawn = values(variance_scaling(seed=1), (3, 5, 8, 1000))
    assert drawn.std() == pytest.approx(np.sqrt(2 / (3 * 5 * 8)), rel=0.01)


def test_unseeded_draws_anew_at_every_call():
    initializer = variance_scaling()
    assert not np.array_equal(values(initializer, (2, 3)), values(initializer, (2, 3)))


def test_unseeded_layers_of_equal_shape_differ():
    initializer = variance_scaling()
    kernels = []
    for _ in range(2):
        layer = keras.layers.Dense(3, kernel_initializer=initializer)
        layer.build((None, 2))
        kernels.append(keras.ops.convert_to_numpy(layer.kernel))
    assert not np.array_equal(*kernels)


def test_unseeded_follows_the_global_seed():
    drawn = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        drawn.append(values(variance_scaling(), (2, 3)))
    assert np.array_equal(*drawn)


def test_integer_seed_repeats_at_every_call():
    initializer = variance_scaling(seed=3)
    assert np.array_equal(values(initializer, (2, 3)), values(initializer, (2, 3)))


def test_seed_generator_is_used_as_given():
    generators = keras.random.SeedGenerator(3), keras.random.SeedGenerator(3)
    first, second = (variance_scaling(seed=generator) for generator in generators)
    drawn = values(first, (2, 3))
    assert np.array_equal(drawn, values(second, (2, 3)))
    assert not np.array_equal(drawn, values(second, (2, 3)))


@pytest.mark.parametrize("seed", [None, 3])
def test_layer_config_survives_json(seed):
    initializer = variance_scaling(1.5, "fan_out", "uniform", seed)
    layer = keras.layers.Conv2D(2, 3, kernel_initializer=initializer)
    config = json.loads(json.dumps(layer.get_config()))
    restored = keras.layers.Conv2D.from_config(config).kernel_initializer
    assert type(restored) is keras.initializers.VarianceScaling
    assert (restored.scale, restored.mode) == (1.5, "fan_out")
    assert restored.distribution == "uniform"
    repeats = np.array_equal(values(restored, (2, 3)), values(restored, (2, 3)))
    assert repeats == (seed is not None)


@pytest.mark.parametrize(
    "arguments", [{"scale": 0.0}, {"mode": "fan"}, {"distribution": "cauchy"}]
)
def test_bad_argument_is_refused_by_keras(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        variance_scaling(**arguments)
