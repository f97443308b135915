import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

StochasticDepth = kt.layers.StochasticDepth

# Variables of Keras 3.15.1 and tensors of torch 2.13 make NumPy 2 warn so.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)


def draw(*shape):
    """A branch without zeros."""
    random = np.random.default_rng(0)
    return random.uniform(1, 2, shape).astype("float32")


def dropped(rate, branch, seed=0, **kwargs):
    layer = StochasticDepth(rate, seed=seed, **kwargs)
    return ops.convert_to_numpy(layer(branch, training=True))


@pytest.mark.parametrize("shape", [(64,), (64, 5), (64, 3, 2), (64, 3, 2, 4)])
def test_each_sample_is_dropped_whole_or_kept_and_scaled(shape):
    branch = draw(*shape)
    after = dropped(0.25, branch)
    kept = after.reshape(64, -1)[:, 0] != 0
    assert 0 < kept.sum() < 64
    np.testing.assert_array_equal(after[~kept], 0)
    np.testing.assert_allclose(after[kept], branch[kept] / 0.75, rtol=1e-6)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.9])
def test_share_of_dropped_samples_is_the_rate(rate):
    count = 20_000
    share = np.mean(dropped(rate, np.ones((count, 1), "float32")) == 0)
    assert share == pytest.approx(rate, abs=4 * np.sqrt(rate * (1 - rate) / count))


def test_draws_of_two_calls_and_two_layers_differ():
    branch = np.ones((64, 1), "float32")
    layer = StochasticDepth(0.5, seed=0)
    calls = [ops.convert_to_numpy(layer(branch, training=True)) for _ in range(2)]
    assert (calls[0] != calls[1]).any()
    assert (calls[0] != dropped(0.5, branch, seed=1)).any()
    np.testing.assert_array_equal(calls[0], dropped(0.5, branch, seed=0))


def test_inference_is_the_identity():
    branch = draw(4, 3, 2)
    layer = StochasticDepth(0.9)
    for after in (layer(branch), layer(branch, training=False)):
        np.testing.assert_array_equal(ops.convert_to_numpy(after), branch)


def test_rate_zero_is_the_identity():
    branch = draw(4, 3, 2)
    np.testing.assert_array_equal(dropped(0, branch), branch)


def test_branch_that_is_not_finite_can_be_dropped():
    after = dropped(0.5, np.full((32, 2), np.nan, "float32"))
    assert 0 < np.isnan(after).all(-1).sum() < 32
    assert set(after[~np.isnan(after)]) == {0.0}


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_computes_in_half(precision):
    after = StochasticDepth(0.2, seed=0, dtype=precision)(draw(32, 2), training=True)
    assert keras.backend.standardize_dtype(after.dtype) == precision.split("_")[1]
    assert set(dropped(0.5, np.ones((32, 2)), dtype=precision).ravel()) == {0.0, 2.0}


@pytest.mark.parametrize("jit_compile", [False, True])
def test_fit_drops_samples_and_evaluate_does_not(jit_compile):
    if keras.backend.backend() == "torch" and jit_compile:
        pytest.skip("Keras compiles nothing with PyTorch here")
    model = keras.Sequential([keras.Input((3,)), StochasticDepth(0.5, seed=0)])
    model.add(
        keras.layers.Dense(1, "linear", use_bias=False, kernel_initializer="ones")
    )
    model.compile(keras.optimizers.SGD(0.0), "mae", jit_compile=jit_compile)
    x, y = np.ones((64, 3), "float32"), np.full((64, 1), 3.0, "float32")
    history = model.fit(x, y, batch_size=64, verbose=0).history
    assert history["loss"][0] == pytest.approx(3)  # |0 - 3| or |6 - 3|
    assert model.evaluate(x, y, verbose=0) == 0


def test_shape_and_mask_pass_through():
    inputs = keras.Input((None, 3))
    masked = keras.layers.Masking()(inputs)
    outputs = StochasticDepth(0.5)(masked)
    assert outputs.shape == (None, None, 3)
    assert outputs._keras_mask is not None


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, float("nan")])
def test_rate_out_of_range(rate):
    with pytest.raises(ValueError, match=r"`rate` must be be(low|tween)"):
        StochasticDepth(rate)


def test_rate_of_the_wrong_kind():
    with pytest.raises(TypeError, match="`rate` must be a number"):
        StochasticDepth("0.1")


@pytest.mark.reference
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_values_and_share_of_timm_and_torchvision(timm, rate):
    torch = pytest.importorskip("torch")
    from torchvision.ops import stochastic_depth

    torch.manual_seed(0)
    branch = draw(4096, 2)
    tensor = torch.from_numpy(branch)
    mine = dropped(rate, branch)
    for theirs in (
        timm.layers.drop_path(tensor, rate, training=True).numpy(),
        stochastic_depth(tensor, rate, "row").numpy(),
    ):
        both = (mine[:, 0] != 0) & (theirs[:, 0] != 0)
        np.testing.assert_allclose(mine[both], theirs[both], rtol=3e-7)
        shares = [np.mean(x[:, 0] == 0) for x in (mine, theirs)]
        assert shares[0] == pytest.approx(shares[1], abs=0.04)
        assert (theirs[:, 0] == 0).tolist() == (theirs[:, 1] == 0).tolist()
