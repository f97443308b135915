import warnings

import keras
import numpy as np
import pytest
from keras import layers

import keras_tricks as kt

reinitialize = kt.initializers.reinitialize

# Variables of Keras 3.15.1 and tensors of torch 2.13 make NumPy 2 warn so.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)


def to_numpy(variable):
    return keras.ops.convert_to_numpy(variable).astype("float64")


def build(*stack, shape):
    return keras.Sequential([keras.Input(shape), *stack])


def named(model):
    return {variable.path: to_numpy(variable) for variable in model.weights}


def spoil(model):
    """Give every weight a value that no initializer gives."""
    for variable in model.weights:
        variable.assign(np.full(variable.shape, 7))


@pytest.mark.parametrize(
    ("layer", "shape", "name", "fan_in"),
    [
        (layers.Dense(900), (20,), "kernel", 20),
        (layers.Conv1D(600, 3), (9, 10), "kernel", 3 * 10),
        (layers.Conv2D(300, (3, 2)), (9, 9, 10), "kernel", 3 * 2 * 10),
        (layers.Conv2D(300, (3, 2), groups=2), (9, 9, 20), "kernel", 3 * 2 * 10),
        (layers.Conv3D(99, (3, 2, 2)), (9, 9, 9, 10), "kernel", 3 * 2 * 2 * 10),
        (layers.DepthwiseConv1D(3, depth_multiplier=2), (9, 900), "kernel", 3),
        (layers.DepthwiseConv2D((3, 2)), (9, 9, 900), "kernel", 3 * 2),
        (layers.SeparableConv1D(30, 3), (9, 900), "depthwise_kernel", 3),
        (layers.SeparableConv2D(9, (3, 2)), (9, 9, 900), "depthwise_kernel", 3 * 2),
        (layers.SeparableConv2D(900, 2), (9, 9, 40), "pointwise_kernel", 40),
        (layers.Conv1DTranspose(600, 3), (9, 10), "kernel", 3 * 10),
        (layers.Conv2DTranspose(300, (3, 2)), (9, 9, 10), "kernel", 3 * 2 * 10),
        (
            layers.Conv3DTranspose(99, (3, 2, 2)),
            (4, 4, 4, 10),
            "kernel",
            3 * 2 * 2 * 10,
        ),
        (layers.EinsumDense("ab,cb->ac", 900), (20,), "kernel", 20),
        (layers.EinsumDense("abc,cde->abde", (None, 9, 99)), (4, 20), "kernel", 20),
        (layers.EinsumDense("abcd,edc->abe", (4, 99)), (4, 5, 20), "kernel", 5 * 20),
        (layers.EinsumDense("...x,xy->...y", 900), (20,), "kernel", 20),
        (layers.EinsumDense("abc,bcd->abd", (30, 99)), (30, 5), "kernel", 5),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, layers.Layer) else None,
)
def test_kernel_has_the_variance_of_its_real_fan_in(layer, shape, name, fan_in):
    model = build(layer, shape=shape)
    reinitialize(model, seed=0)
    (kernel,) = (to_numpy(v) for v in layer.weights if v.name == name)
    assert kernel.std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.04)
    assert kernel.mean() == pytest.approx(0, abs=0.04 * np.sqrt(2 / fan_in))


def rows_and_columns(shape, dtype=None):
    """Say where a weight was drawn: `1000 * input + output`."""
    inputs, outputs = shape[-2:]
    grid = 1000 * np.arange(inputs)[:, None] + np.arange(outputs)
    return keras.ops.convert_to_tensor(np.broadcast_to(grid, shape), dtype=dtype)


def test_transposed_kernel_is_laid_out_as_keras_wants():
    layer = layers.Conv2DTranspose(3, (4, 2))
    reinitialize(build(layer, shape=(8, 8, 5)), rows_and_columns)
    kernel = to_numpy(layer.kernel)  # (4, 2, out, in)
    assert np.array_equal(kernel[1, 0], 1000 * np.arange(5) + np.arange(3)[:, None])


def test_einsum_kernel_is_laid_out_as_keras_wants():
    layer = layers.EinsumDense("abcd,edc->abe", (4, 3))
    reinitialize(build(layer, shape=(4, 5, 2)), rows_and_columns)
    kernel = to_numpy(layer.kernel)  # (e, d, c), its input axes in this order: d, c
    inputs = np.arange(2)[:, None] * 5 + np.arange(5)
    expected = 1000 * inputs + np.arange(3)[:, None, None]
    assert np.array_equal(kernel, expected)


@pytest.mark.parametrize("mode", ["fan_out", "fan_avg"])
def test_transposed_kernel_has_its_real_fan_out(mode):
    layer = layers.Conv2DTranspose(300, (3, 2))
    model = build(layer, shape=(9, 9, 10))
    reinitialize(model, kt.initializers.variance_scaling(2.0, mode), seed=0)
    fan = {"fan_out": 3 * 2 * 300, "fan_avg": 3 * 2 * 155}[mode]
    assert to_numpy(layer.kernel).std() == pytest.approx(np.sqrt(2 / fan), rel=0.04)


def test_other_variables_begin_as_their_layer_says():
    norm = layers.BatchNormalization(gamma_initializer="zeros")
    dense = layers.Dense(3, bias_initializer=keras.initializers.Constant(0.5))
    model = build(dense, norm, layers.PReLU(), shape=(4,))
    spoil(model)
    reinitialize(model)
    assert np.all(to_numpy(dense.bias) == 0.5)
    assert np.all(to_numpy(norm.gamma) == 0)
    assert np.all(to_numpy(norm.beta) == 0)
    assert np.all(to_numpy(norm.moving_mean) == 0)
    assert np.all(to_numpy(norm.moving_variance) == 1)
    assert np.all(to_numpy(model.layers[-1].alpha) == 0)
    assert not np.any(to_numpy(dense.kernel) == 7)


def test_recurrent_and_embedding_weights_begin_as_their_layer_says():
    lstm = layers.LSTM(2, kernel_initializer="ones", recurrent_initializer="identity")
    embedding = layers.Embedding(5, 3, embeddings_initializer="zeros")
    model = build(embedding, lstm, shape=(6,))
    before = named(model)
    spoil(model)
    assert reinitialize(model) == list(before)
    after = named(model)
    for path, value in before.items():
        assert np.array_equal(after[path], value), path


def test_returns_the_paths_in_order_and_draws_them_all():
    model = build(layers.Conv2D(2, 3), layers.BatchNormalization(), shape=(5, 6, 3))
    spoil(model)
    paths = reinitialize(model)
    assert paths == [variable.path for variable in model.weights]
    assert not any(np.any(value == 7) for value in named(model).values())


def test_frozen_weights_are_drawn_too():
    model = build(layers.Dense(3), shape=(4,))
    model.trainable = False
    spoil(model)
    reinitialize(model)
    assert not np.any(to_numpy(model.layers[0].kernel) == 7)


def test_same_seed_same_model():
    model = build(layers.Dense(3), layers.Dense(2), shape=(4,))
    drawn = []
    for seed in (1, np.int64(1), 2):
        reinitialize(model, seed=seed)
        drawn.append(to_numpy(model.layers[0].kernel))
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_no_seed_draws_anew_at_every_call():
    model = build(layers.Dense(3), shape=(4,))
    drawn = []
    for _ in range(2):
        reinitialize(model)
        drawn.append(to_numpy(model.layers[0].kernel))
    assert not np.array_equal(*drawn)


@pytest.mark.parametrize(
    "initializer",
    [
        None,
        "glorot_uniform",
        keras.initializers.HeNormal(seed=3),
        keras.initializers.Orthogonal(seed=3),
        {"class_name": "RandomNormal", "config": {"seed": 3}},
        kt.initializers.variance_scaling(seed=3),
    ],
)
def test_layers_of_equal_shape_begin_different(initializer):
    model = build(layers.Dense(4), layers.Dense(4), shape=(4,))
    reinitialize(model, initializer, seed=0)
    first, second = (to_numpy(layer.kernel) for layer in model.layers)
    assert not np.allclose(first, second)


def test_own_initializers_with_integer_seeds_begin_different():
    norms = [
        layers.BatchNormalization(
            gamma_initializer=keras.initializers.RandomUniform(seed=3)
        )
        for _ in range(2)
    ]
    reinitialize(build(*norms, shape=(4,)), seed=0)
    assert not np.array_equal(*(to_numpy(norm.gamma) for norm in norms))


def test_given_initializer_is_not_changed():
    initializer = kt.initializers.variance_scaling(seed=keras.random.SeedGenerator(3))
    fresh = kt.initializers.variance_scaling(seed=keras.random.SeedGenerator(3))
    reinitialize(build(layers.Dense(3), shape=(4,)), initializer)
    assert np.array_equal(to_numpy(initializer((2, 3))), to_numpy(fresh((2, 3))))


class Block(layers.Layer):
    """Layers in a dictionary, a list, a tuple and a wrapper; a layer held twice."""

    def __init__(self):
        super().__init__()
        shared = layers.Dense(4)
        self.parts = {"first": [shared, layers.Dense(4)], "second": (shared,)}
        self.wrapped = layers.TimeDistributed(layers.Dense(4))

    def build(self, shape):
        for layer in self.parts["first"]:
            layer.build(shape)
        self.wrapped.build(shape)
        self.tied = self.parts["first"][1].kernel

    def call(self, x):
        first, second = self.parts["first"]
        return self.wrapped(second(first(x)))


def test_nested_models_layers_and_wrappers_are_covered_once():
    inner = build(layers.Dense(4), shape=(3, 4))
    inputs = keras.Input((3, 4))
    outputs = inner(Block()(inner(inputs)))
    outputs = layers.Bidirectional(layers.GRU(2))(outputs)
    model = keras.Model(inputs, outputs)
    spoil(model)
    paths = reinitialize(model)
    assert len(paths) == len(model.weights) == 2 * 4 + 2 * 3
    assert not any(np.any(value == 7) for value in named(model).values())


def test_attention_projections_are_kernels():
    inputs = keras.Input((3, 64))
    attention = layers.MultiHeadAttention(4, 32)
    model = keras.Model(inputs, attention(inputs, inputs))
    reinitialize(model, seed=0)
    for variable in model.weights:
        if variable.name == "kernel":
            fan_in = 4 * 32 if "output" in variable.path else 64
            expected = pytest.approx(np.sqrt(2 / fan_in), rel=0.04)
            assert to_numpy(variable).std() == expected, variable.path


def test_seed_states_statistics_and_optimizer_stay():
    normalization, dropout = layers.Normalization(), layers.Dropout(0.5)
    normalization.adapt(np.array([[1.0, 5.0], [3.0, 5.5]], "float32"))
    model = build(normalization, layers.Dense(3), dropout, shape=(2,))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse", jit_compile=False)
    model.train_on_batch(np.ones((4, 2)), np.ones((4, 3)))
    kept = [*normalization.weights, dropout.seed_generator.state]
    kept += model.optimizer.variables
    before = [to_numpy(variable) for variable in kept]
    paths = reinitialize(model)
    assert [path.rsplit("/", 1)[-1] for path in paths] == ["kernel", "bias"]
    assert np.any(before[0])
    assert np.any(before[-1])
    for variable, value in zip(kept, before, strict=True):
        assert np.array_equal(to_numpy(variable), value), variable.path


def test_quantized_kernel_stays():
    layer = layers.Dense(3)
    model = build(layer, shape=(4,))
    layer.quantize("int8")
    before = named(model)
    assert reinitialize(model) == [layer.bias.path]
    after = named(model)
    assert all(np.array_equal(after[path], before[path]) for path in before)


class Scale(layers.Layer):
    """Weights without an initializer kept on the layer."""

    def build(self, shape):
        self.factor = self.add_weight(shape=shape[-1:], name="factor")
        self.state = self.add_weight(name="state", trainable=False)

    def call(self, x):
        return x * self.factor


def test_weights_without_an_initializer_stay_with_one_warning():
    scale = Scale(name="scale")
    model = build(layers.Dense(3), scale, shape=(4,))
    spoil(model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        paths = reinitialize(model)
    (message,) = [str(w.message) for w in caught if w.category is UserWarning]
    assert "left as they are" in message
    assert scale.factor.path in message
    assert scale.state.path not in message
    assert len(paths) == 2
    assert np.all(to_numpy(scale.factor) == 7)


def test_model_that_is_not_built():
    with pytest.raises(ValueError, match="`model` must be built: call it on a batch"):
        reinitialize(keras.Sequential([layers.Dense(2)]))


@pytest.mark.parametrize("layer", [layers.ReLU(), Scale()])
def test_model_with_nothing_to_draw(layer):
    with pytest.raises(ValueError, match="has no weights with an initializer"):
        reinitialize(build(layer, shape=(4,)))


def test_arguments_of_the_wrong_kind():
    model = build(layers.Dense(2), shape=(4,))
    with pytest.raises(TypeError, match="`model` must be a Keras model or layer"):
        reinitialize([model])
    with pytest.raises(TypeError, match="`seed` must be an integer"):
        reinitialize(model, seed=1.5)
    with pytest.raises(ValueError, match="`seed` must be at least 0"):
        reinitialize(model, seed=-1)
    with pytest.raises(ValueError, match="no_such_initializer"):
        reinitialize(model, "no_such_initializer")
