import keras
import numpy as np
import pytest
from keras import layers

import keras_tricks as kt

zero_gamma = kt.initializers.zero_gamma

# Variables of Keras 3.15.1 and tensors of torch 2.13 make NumPy 2 warn so.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)

IMAGES = np.random.default_rng(0).normal(0, 1, (3, 6, 5, 4)).astype("float32")


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def conv(x, name, filters=4, strides=1):
    """A convolution and its batch normalization, which has the name."""
    x = layers.Conv2D(filters, 3, strides, padding="same")(x)
    return layers.BatchNormalization(name=name)(x)


def branch(x, name, filters=4, strides=1):
    x = layers.ReLU()(conv(x, f"{name}_first", filters, strides))
    return conv(x, f"{name}_last", filters)


def model_of(block, shape=(6, 5, 4)):
    inputs = keras.Input(shape)
    return keras.Model(inputs, block(inputs))


def identity_block(x):
    return layers.Add()([x, branch(x, "a")])


def is_zero(model, name):
    return not to_numpy(model.get_layer(name).gamma).any()


def test_block_is_the_identity_afterwards():
    model = model_of(identity_block)
    assert zero_gamma(model) == ["a_last/gamma"]
    for training in (False, True):
        outputs = to_numpy(model(IMAGES, training=training))
        np.testing.assert_array_equal(outputs, IMAGES)


def test_all_other_weights_stay():
    model = model_of(identity_block)
    before = [to_numpy(weight).copy() for weight in model.weights]
    zero_gamma(model)
    for old, weight in zip(before, model.weights, strict=True):
        expected = 0 * old if weight.path == "a_last/gamma" else old
        np.testing.assert_array_equal(to_numpy(weight), expected)


def test_projected_block_is_its_projection_afterwards():
    def block(x):
        shortcut = layers.Conv2D(7, 1, 2)(x)
        shortcut = layers.BatchNormalization(name="projection")(shortcut)
        return layers.Add()([branch(x, "a", 7, 2), shortcut])

    model = model_of(block)
    assert zero_gamma(model) == ["a_last/gamma"]
    projection = keras.Model(model.input, model.get_layer("projection").output)
    expected = to_numpy(projection(IMAGES))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_array_equal(to_numpy(model(IMAGES)), expected)


def test_blocks_come_in_the_order_of_the_model_and_the_stem_stays():
    def network(x):
        x = layers.ReLU()(conv(x, "stem", 4))
        x = layers.ReLU()(layers.Add()([branch(x, "a"), x]))
        shortcut = conv(x, "projection", 8, 2)
        x = layers.ReLU()(layers.Add()([shortcut, branch(x, "b", 8, 2)]))
        x = layers.ReLU()(x + branch(x, "c", 8))
        return layers.Dense(2)(layers.GlobalAveragePooling2D()(x))

    model = model_of(network)
    assert zero_gamma(model) == [f"{name}_last/gamma" for name in "abc"]
    for name in ("stem", "projection", "a_first", "b_first", "c_first"):
        assert not is_zero(model, name)


def test_plus_is_a_sum_too():
    model = model_of(lambda x: branch(x, "a") + x)
    assert zero_gamma(model) == ["a_last/gamma"]
    np.testing.assert_array_equal(to_numpy(model(IMAGES)), IMAGES)


def test_gamma_leaves_zero_when_trained():
    model = model_of(lambda x: layers.ReLU()(identity_block(x)))
    zero_gamma(model)
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    model.train_on_batch(IMAGES, IMAGES[::-1])
    assert to_numpy(model.get_layer("a_last").gamma).all()


class StochasticDepth(layers.Layer):
    def call(self, x):
        return x


@pytest.mark.parametrize(
    "end",
    [
        layers.Dropout(0.1, noise_shape=(None, 1, 1, 1)),
        StochasticDepth(),
        kt.layers.StochasticDepth(0.1),
        layers.Identity(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_branch_may_end_in_dropout(end):
    model = model_of(lambda x: layers.Add()([x, end(branch(x, "a"))]))
    assert zero_gamma(model) == ["a_last/gamma"]


@pytest.mark.parametrize("product", [layers.Multiply(), None])
def test_branch_may_end_in_a_gate(product):
    def block(x):
        y = branch(x, "a")
        gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
        gate = layers.Dense(4, "sigmoid")(gate)
        return layers.Add()([x, product([y, gate]) if product else y * gate])

    model = model_of(block)
    assert zero_gamma(model) == ["a_last/gamma"]
    np.testing.assert_array_equal(to_numpy(model(IMAGES)), IMAGES)


def test_blocks_inside_models_are_found():
    def inner(x):
        return layers.Add()([x, branch(x, "inner")])

    def outer(x):
        x = keras.Sequential([model_of(inner), layers.ReLU()])(x)
        return layers.Add()([x, branch(x, "outer")])

    model = model_of(outer)
    assert zero_gamma(model) == ["inner_last/gamma", "outer_last/gamma"]


def test_branch_and_shortcut_may_be_models():
    def chain(name, count):
        parts = []
        for index in range(count):
            parts.append(layers.Conv2D(4, 3, padding="same"))
            parts.append(layers.BatchNormalization(name=f"{name}_{index}"))
        return keras.Sequential(parts, name=name)

    model = model_of(
        lambda x: layers.Add()([chain("short", 1)(x), chain("long", 2)(x)])
    )
    (path,) = zero_gamma(model)
    assert path.endswith("long_1/gamma")
    assert is_zero(model.get_layer("long"), "long_1")


def test_shared_block_is_named_once():
    block = model_of(identity_block)
    model = model_of(lambda x: block(layers.ReLU()(block(x))))
    assert zero_gamma(model) == ["a_last/gamma"]


def test_many_branches_around_one_shortcut():
    model = model_of(lambda x: layers.Add()([branch(x, "a"), x, branch(x, "b")]))
    assert zero_gamma(model) == ["a_last/gamma", "b_last/gamma"]
    np.testing.assert_array_equal(to_numpy(model(IMAGES)), IMAGES)


def two_inputs():
    inputs = [keras.Input((6, 5, 4)), keras.Input((6, 5, 4))]
    return keras.Model(inputs, layers.Add()([inputs[0], branch(inputs[1], "a")]))


def pre_activation(x):
    y = layers.ReLU()(layers.BatchNormalization()(x))
    return layers.Add()([x, layers.Conv2D(4, 3, padding="same")(y)])


def without_scale(x):
    y = layers.Conv2D(4, 3, padding="same")(x)
    return layers.Add()([x, layers.BatchNormalization(scale=False)(y)])


def frozen(x):
    y = layers.Conv2D(4, 3, padding="same")(x)
    return layers.Add()([x, layers.BatchNormalization(trainable=False)(y)])


NOTHING_TO_SET = {
    "plain": lambda x: branch(x, "a"),
    "pre_activation": pre_activation,
    "relu_at_the_end": lambda x: layers.Add()([x, layers.ReLU()(branch(x, "a"))]),
    "equal_branches": lambda x: layers.Add()([conv(x, "a"), conv(x, "b")]),
    "two_long_branches": lambda x: layers.Add()(
        [branch(x, "a"), layers.Identity()(branch(x, "b"))]
    ),
    "constant": lambda x: branch(x, "a") + 1.0,
    "without_scale": without_scale,
    "frozen": frozen,
}


@pytest.mark.parametrize("name", NOTHING_TO_SET)
def test_warns_where_there_is_nothing_to_set(name):
    model = model_of(NOTHING_TO_SET[name])
    before = [to_numpy(weight).copy() for weight in model.weights]
    with pytest.warns(UserWarning, match="zero_gamma found nothing to set to 0"):
        assert zero_gamma(model) == []
    for old, weight in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(to_numpy(weight), old)


def test_sum_of_two_inputs_is_no_block():
    with pytest.warns(UserWarning, match="zero_gamma found nothing to set to 0"):
        assert zero_gamma(two_inputs()) == []


def test_model_without_a_graph_is_refused():
    class Net(keras.Model):
        def call(self, x):
            return x

    for model in (Net(), keras.Sequential([layers.Dense(2)])):
        with pytest.raises(ValueError, match="`model` must be functional, or Seq"):
            zero_gamma(model)
    with pytest.raises(TypeError, match="`model` must be a Keras model"):
        zero_gamma(layers.Dense(2))


def test_skip_over_skips_is_a_shortcut_too():
    def network(x):
        first = x
        for name in "abcd":
            x = layers.Add()([x, conv(x, name)])
        return layers.Add()([first, conv(x, "trunk")])

    names = zero_gamma(model_of(network))
    assert names == [f"{name}/gamma" for name in ("a", "b", "c", "d", "trunk")]


APPLICATIONS = {"ResNet50": 16, "MobileNetV2": 10, "EfficientNetB0": 9}


@pytest.mark.slow
@pytest.mark.parametrize("name", APPLICATIONS)
def test_blocks_of_keras_applications(name):
    model = getattr(keras.applications, name)(weights=None, input_shape=(32, 32, 3))
    found = zero_gamma(model)
    assert len(found) == APPLICATIONS[name]
    sums = [layer for layer in model.layers if isinstance(layer, layers.Add)]
    assert len(sums) == APPLICATIONS[name]
    parts = keras.Model(model.input, [[x.input, x.output] for x in sums])
    for (first, second), total in parts(np.ones((1, 32, 32, 3), "float32")):
        assert not to_numpy(first).any() or not to_numpy(second).any()
        np.testing.assert_array_equal(to_numpy(first + second), to_numpy(total))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ResNet50V2", "DenseNet121"])
def test_applications_without_such_blocks(name):
    model = getattr(keras.applications, name)(weights=None, input_shape=(32, 32, 3))
    with pytest.warns(UserWarning, match="zero_gamma found nothing to set to 0"):
        assert zero_gamma(model) == []


@pytest.mark.reference
def test_gammas_are_those_of_timm(timm):
    theirs = timm.create_model("resnet50", zero_init_last=True)
    zeros = [n for n, p in theirs.named_parameters() if "bn" in n and not p.any()]
    expected = []
    for name in zeros:
        if name.endswith(".weight"):
            stage, block, norm, _ = name.split(".")  # layer1.0.bn3.weight
            stage, block, norm = int(stage[5:]) + 1, int(block) + 1, norm[2:]
            expected.append(f"conv{stage}_block{block}_{norm}_bn/gamma")
    mine = keras.applications.ResNet50(weights=None, input_shape=(32, 32, 3))
    assert zero_gamma(mine) == expected
    assert len(expected) == 16
