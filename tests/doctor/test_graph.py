import functools

import keras
import numpy as np
import pytest
from keras import layers, losses, ops

from keras_tricks.doctor.measuring.calls import compute
from keras_tricks.doctor.measuring.graph import read_graph
from keras_tricks.doctor.measuring.losses import loss_facts


def sequential(*stack, inputs=(4,), loss=None):
    model = keras.Sequential([keras.Input(inputs), *stack])
    model.compile(loss=loss)
    return model


def by_name(model):
    return {layer.name: layer for layer in read_graph(model).layers}


def activations_of(model):
    graph = read_graph(model)
    return [layer.activation for layer in graph.layers if layer.has_kernel]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([layers.Activation("tanh")], "tanh"),
        ([layers.ReLU()], "relu"),
        ([layers.LeakyReLU()], "leaky_relu"),
        ([layers.PReLU()], "prelu"),
        ([layers.BatchNormalization(), layers.Activation("silu")], "silu"),
        ([layers.Dropout(0.5), layers.Reshape((2, 4)), layers.ReLU()], "relu"),
        ([layers.Lambda(lambda x: x)], "unknown"),
        ([], "linear"),
    ],
)
def test_activation_is_found_behind_other_layers(after, expected):
    model = sequential(layers.Dense(8), *after, layers.Flatten(), layers.Dense(2))
    assert activations_of(model) == [expected, "linear"]


def test_own_activation_counts_before_later_ones():
    model = sequential(layers.Dense(8, "elu"), layers.ReLU(), layers.Dense(2))
    assert activations_of(model)[0] == "elu"


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (layers.LeakyReLU(), "leaky_relu"),
        (keras.activations.gelu, "gelu"),
        (ops.relu6, "relu6"),
        (lambda x: x, "unknown"),
    ],
)
def test_activation_may_be_a_layer_or_function(activation, expected):
    model = sequential(layers.Dense(8, activation), layers.Dense(2))
    assert activations_of(model)[0] == expected


def test_operations_of_a_functional_model_are_seen():
    inputs = keras.Input((4,))
    x = ops.relu(layers.Dense(8)(inputs) * 2 + 1)
    model = keras.Model(inputs, keras.activations.softmax(layers.Dense(3)(x)))
    assert activations_of(model) == ["relu", "softmax"]
    assert read_graph(model).heads[0].activation == ["softmax"]


def test_product_of_two_tensors_is_not_linear():
    inputs = keras.Input((4,))
    gate = layers.Multiply()([layers.Dense(8)(inputs), layers.Dense(8)(inputs)])
    model = keras.Model(inputs, layers.Dense(3)(gate))
    assert activations_of(model) == ["unknown", "unknown", "linear"]


def test_models_inside_are_taken_apart():
    encoder = keras.Sequential([keras.Input((6,)), layers.Dense(5, "relu", name="in")])
    inputs = keras.Input((6,))
    hidden = layers.Activation("tanh")(layers.Dense(4, name="mid")(encoder(inputs)))
    model = keras.Model(inputs, layers.Dense(2, name="out")(hidden))
    graph = read_graph(model)
    weighted = [(x.name, x.activation, x.depth, x.fan_in) for x in graph.weighted]
    assert weighted == [
        ("in", "relu", 1, 6),
        ("mid", "tanh", 2, 5),
        ("out", "linear", 3, 4),
    ]
    assert graph.heads[0].layer.name == "out"
    assert [layer.name for layer in graph.hidden] == ["in", "mid"]


def test_shared_layers_come_once_per_call():
    left, right = keras.Input((3,)), keras.Input((3,))
    shared = layers.Dense(4, "relu", name="shared")
    both = layers.Concatenate()([shared(left), shared(right)])
    graph = read_graph(keras.Model([left, right], layers.Dense(1)(both)))
    assert [layer.name for layer in graph.hidden] == ["shared", "shared"]
    assert graph.hidden[0].output != graph.hidden[1].output
    assert graph.heads[0].layer.fan_in == 8


def test_model_called_twice_has_values_of_its_own_each_time():
    encoder = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.ReLU()])
    left, right = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([left, right], layers.Add()([encoder(left), encoder(right)]))
    graph = read_graph(model)
    first, second = graph.weighted
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    values = compute(model, list(x))
    kernel = encoder.get_weights()[0]
    for layer, rows in ((first, x[0]), (second, x[1])):
        np.testing.assert_allclose(values[layer.output], rows @ kernel, rtol=1e-4)
        relu = np.maximum(rows @ kernel, 0)
        np.testing.assert_allclose(values[layer.activated], relu, rtol=1e-4)
    np.testing.assert_allclose(values[graph.outputs[0]], model(list(x)), rtol=1e-4)


def test_activation_on_any_branch_counts():
    inputs = keras.Input((4,))
    x = layers.Dense(6)(inputs)
    both = layers.Concatenate()([layers.Reshape((6,))(x), layers.ReLU()(x)])
    model = keras.Model(inputs, layers.Dense(2)(both))
    assert activations_of(model) == ["relu", "linear"]


def test_layers_added_one_by_one_come_once():
    model = keras.Sequential()
    for layer in (keras.Input((3,)), layers.Dense(4), layers.ReLU(), layers.Dense(1)):
        model.add(layer)
    assert [layer.kind for layer in read_graph(model).layers] == [
        "Dense",
        "ReLU",
        "Dense",
    ]


def test_residual_blocks_are_normalized_and_summed():
    inputs = keras.Input((8, 6, 3))
    x = layers.Conv2D(3, 3, padding="same", use_bias=False, name="conv")(inputs)
    x = layers.ReLU()(layers.Add()([layers.BatchNormalization()(x), inputs]))
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    graph, conv = read_graph(model), by_name(model)["conv"]
    assert graph.has_residual
    assert conv.normalized
    assert conv.activation == "relu"
    assert conv.use_bias is False
    assert conv.fan_in == 27
    assert not graph.heads[0].layer.normalized


def test_wrappers_and_recurrent_layers():
    model = sequential(
        layers.Embedding(20, 8),
        layers.Bidirectional(layers.LSTM(6, return_sequences=True), name="lstm"),
        layers.TimeDistributed(layers.Dense(4, "relu"), name="each"),
        layers.GRU(5, name="gru"),
        layers.Dense(3),
        inputs=(7,),
    )
    facts, graph = by_name(model), read_graph(model)
    assert [layer.name for layer in graph.hidden] == ["lstm", "each", "gru"]
    assert facts["lstm"].is_recurrent
    assert facts["gru"].is_recurrent
    assert facts["gru"].activation == "tanh"
    assert facts["each"].activation == "relu"
    assert not facts["each"].is_recurrent


@pytest.mark.parametrize(
    ("tail", "chain", "sizes"),
    [
        ([layers.Dense(3, name="raw")], [], []),
        ([layers.Dense(3, "softmax")], ["softmax"], [3]),
        ([layers.Dense(1), layers.Softmax()], ["softmax"], [1]),
        ([layers.Dense(3, "relu"), layers.Softmax()], ["relu", "softmax"], [3]),
        ([layers.Dense(3, "softmax"), layers.Softmax()], ["softmax"] * 2, [3, 3]),
        (
            [layers.Dense(6), layers.Reshape((3, 2)), layers.Softmax(axis=1)],
            ["softmax"],
            [3],
        ),
        ([layers.Dense(1, "sigmoid"), layers.Reshape(())], ["sigmoid"], []),
    ],
)
def test_head_has_the_chain_after_its_weights(tail, chain, sizes):
    head = read_graph(sequential(layers.Dense(5, "relu", name="first"), *tail)).heads[0]
    assert head.activation == chain
    assert head.softmax_sizes == sizes
    assert head.layer.name == tail[0].name


def test_dropout_after_the_head_is_told():
    model = sequential(layers.Dropout(0.2), layers.Dense(3), layers.Dropout(0.5))
    graph = read_graph(model)
    assert [layer.rate for layer in graph.dropouts] == [0.2, 0.5]
    assert [layer.rate for layer in graph.heads[0].dropout] == [0.5]


def test_reshapes_have_their_shapes():
    model = sequential(layers.Reshape((3, 2)), layers.Permute((2, 1)), inputs=(6,))
    shapes = [
        (r.kind, r.input_shape, r.output_shape) for r in read_graph(model).reshapes
    ]
    assert shapes == [
        ("Reshape", (None, 6), (None, 3, 2)),
        ("Permute", (None, 3, 2), (None, 2, 3)),
    ]


def test_heads_have_their_losses():
    inputs = keras.Input((4,))
    a, b = (
        layers.Dense(3, "softmax", name="a")(inputs),
        layers.Dense(1, name="b")(inputs),
    )
    model = keras.Model(inputs, [a, b])
    model.compile(loss={"b": "mae", "a": losses.CategoricalCrossentropy()})
    found = [(h.name, h.units, h.loss.name) for h in read_graph(model).heads]
    assert found == [
        ("a", 3, "categorical_crossentropy"),
        ("b", 1, "mean_absolute_error"),
    ]


def test_subclassed_models_have_no_graph_but_losses():
    class Own(keras.Model):
        def call(self, x):
            return x

    model = Own()
    model(ops.zeros((1, 2)))
    model.compile(loss="mse")
    assert read_graph(model) is None
    assert loss_facts(model)[0].name == "mean_squared_error"


def test_code_of_the_user_is_opaque():
    class Square(layers.Dense):
        def call(self, x):
            return super().call(x) ** 2

    facts = read_graph(sequential(Square(3), layers.Dense(2))).layers
    assert [layer.is_opaque for layer in facts] == [True, False]
    assert facts[0].activation == "unknown"


@pytest.mark.parametrize(
    ("loss", "name", "kind"),
    [
        ("mse", "mean_squared_error", "value"),
        ("kld", "kl_divergence", "probability"),
        (losses.KLDivergence(), "kl_divergence", "probability"),
        (losses.MeanAbsoluteError(), "mean_absolute_error", "value"),
        (losses.binary_crossentropy, "binary_crossentropy", "probability"),
        (losses.SquaredHinge(), "squared_hinge", "hinge"),
        (lambda true, output: output, "<lambda>", "custom"),
    ],
)
def test_losses_have_registered_names(loss, name, kind):
    facts = loss_facts(sequential(layers.Dense(1), loss=loss))[0]
    assert (facts.name, facts.kind) == (name, kind)


def test_settings_of_losses_are_read():
    summed = losses.BinaryCrossentropy(from_logits=True, reduction="sum")
    partial = functools.partial(losses.categorical_crossentropy, from_logits=True)
    for loss, reduction in ((summed, "sum"), (partial, "sum_over_batch_size")):
        facts = loss_facts(sequential(layers.Dense(1), loss=loss))[0]
        assert facts.from_logits
        assert facts.reduction == reduction
        assert facts.is_crossentropy


def test_subclass_of_a_loss_counts_as_it():
    class Own(losses.CategoricalCrossentropy):
        pass

    facts = loss_facts(sequential(layers.Dense(3), loss=Own(from_logits=True)))[0]
    assert (facts.name, facts.from_logits) == ("categorical_crossentropy", True)


def test_without_a_loss_there_are_no_facts():
    assert loss_facts(sequential(layers.Dense(1))) == []
