import concurrent.futures
import multiprocessing

import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose, assert_array_equal

import keras_tricks as kt
from keras_tricks.optimizers._policies import Policies

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3)).astype("float32")
Y = RNG.normal(size=(12, 2)).astype("float32")
SHAPES = {"body/kernel": (3, 4), "body/bias": (4,), "head/kernel": (4, 2)}
DECAY = kt.optimizers.WeightDecay(0.25)
GROUPS = kt.optimizers.LayerGroups(["^head/", ""], rates=[1.0, 0.5], starts=[0, 3])
MAKERS = {
    "SGD": lambda **a: kt.optimizers.SGD(0.125, momentum=0.5, nesterov=True, **a),
    "Adam": lambda **a: kt.optimizers.Adam(0.125, amsgrad=True, **a),
    "AdamW": lambda **a: kt.optimizers.AdamW(0.125, **a),
    "RMSprop": lambda **a: kt.optimizers.RMSprop(0.125, momentum=0.5, **a),
    "LAMB": lambda **a: kt.optimizers.LAMB(0.125, **a),
}
every_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


class Count(keras.optimizers.schedules.LearningRateSchedule):
    """The step itself."""

    def __call__(self, step):
        return ops.cast(step, "float32")

    def get_config(self):
        return {}


class Placed:
    """Makes variables with paths, as layers do."""

    def __init__(self):
        random = np.random.default_rng(1)
        self.variables = []
        for path, shape in SHAPES.items():
            folder, name = path.split("/")
            with keras.name_scope(folder):
                value = random.normal(size=shape).astype("float32")
                self.variables.append(keras.Variable(value, name=name))

    def values(self):
        return [ops.convert_to_numpy(v).copy() for v in self.variables]


def gradients(count):
    random = np.random.default_rng(2)
    return [
        [random.normal(size=shape).astype("float32") for shape in SHAPES.values()]
        for _ in range(count)
    ]


def walk(optimizer, steps, placed=None):
    placed = placed or Placed()
    for step in steps:
        optimizer.apply([ops.convert_to_tensor(g) for g in step], placed.variables)
    return placed.values()


@every_optimizer
def test_one_rule_for_all_is_no_groups(make):
    alone = kt.optimizers.LayerGroups([""])
    mine = walk(make(weight_decay=DECAY, groups=alone), gradients(4))
    for a, b in zip(mine, walk(make(weight_decay=DECAY), gradients(4)), strict=True):
        assert_array_equal(a, b)


@every_optimizer
@pytest.mark.parametrize("broken", [1.0, np.nan, np.inf])
def test_closed_group_and_its_slots_stand_still(make, broken):
    optimizer = make(weight_decay=DECAY, groups=GROUPS, adaptive_clipping=0.5)
    placed = Placed()
    before = placed.values()
    optimizer.build(placed.variables)
    slots = {v.path: ops.convert_to_numpy(v).copy() for v in optimizer.variables}
    steps = [[g * broken for g in step[:2]] + step[2:] for step in gradients(3)]
    after = walk(optimizer, steps, placed)
    for i in (0, 1):
        assert after[i].tobytes() == before[i].tobytes()
    assert np.isfinite(after[2]).all()
    assert (after[2] != before[2]).all()
    for variable in optimizer.variables:
        if "body" in variable.path:
            assert_array_equal(ops.convert_to_numpy(variable), slots[variable.path])


@every_optimizer
def test_group_that_opens_begins_like_a_new_optimizer(make):
    steps = gradients(7)
    found = walk(make(weight_decay=DECAY, groups=GROUPS), steps)
    alone = make(weight_decay=DECAY)
    alone.learning_rate = 0.125 * 0.5
    expected = walk(alone, steps[3:])
    for i in (0, 1):
        assert_allclose(found[i], expected[i], rtol=1e-5, atol=1e-6)
    whole = walk(make(weight_decay=DECAY), steps)
    assert_allclose(found[2], whole[2], rtol=1e-5, atol=1e-6)


def test_group_without_a_start_is_never_trained():
    groups = kt.optimizers.LayerGroups(["^head/", ""], starts=[0, None])
    found = walk(MAKERS["AdamW"](groups=groups), gradients(5))
    for i, value in enumerate(Placed().values()):
        assert (found[i] == value).all() == (i < 2)


@every_optimizer
def test_rate_zero_is_no_step_at_all(make):
    groups = kt.optimizers.LayerGroups(["^head/", ""], rates=[1.0, 0.0])
    found = walk(make(weight_decay=DECAY, groups=groups), gradients(3))
    assert_array_equal(found[0], Placed().values()[0])


def test_closed_group_has_no_share_in_a_global_norm():
    step = [1e6 * np.ones((3, 4)), np.ones(4), np.full((4, 2), 0.125)]
    found = walk(kt.optimizers.SGD(1.0, groups=GROUPS, global_clipnorm=1.0), [step])
    assert_allclose(found[2], Placed().values()[2] - 0.125, rtol=1e-6)


def test_groups_of_an_optimizer_that_is_built_by_its_first_step():
    optimizer = MAKERS["SGD"](groups=GROUPS)
    placed = Placed()
    pairs = list(zip(gradients(1)[0], placed.variables, strict=True))
    optimizer.apply_gradients(iter(pairs))
    assert_array_equal(placed.values()[0], Placed().values()[0])


def test_variable_without_a_gradient_is_left_alone():
    placed, step = Placed(), gradients(1)[0]
    optimizer = kt.optimizers.SGD(0.125, groups=GROUPS)
    with pytest.warns(UserWarning, match="Gradients do not exist for variables"):
        optimizer.apply([step[0], None, step[2]], placed.variables)
    assert_array_equal(placed.values()[1], Placed().values()[1])
    assert (placed.values()[2] != Placed().values()[2]).all()


@every_optimizer
def test_accumulated_gradients_are_one_step(make):
    steps = gradients(12)
    accumulated = [
        [sum(parts) / 2 for parts in zip(first, second, strict=True)]
        for first, second in zip(steps[::2], steps[1::2], strict=True)
    ]
    arguments = {"weight_decay": DECAY, "groups": GROUPS, "adaptive_clipping": 0.5}
    found = walk(make(gradient_accumulation_steps=2, **arguments), steps)
    expected = walk(make(**arguments), accumulated)
    for a, b in zip(found, expected, strict=True):
        assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("optimizer", "rates"),
    [(kt.optimizers.SGD, [0, 1, 2]), (keras.optimizers.SGD, [1, 3, 5])],  # 3.15.1
)
def test_schedule_counts_optimizer_steps(optimizer, rates):
    optimizer = optimizer(Count(), gradient_accumulation_steps=2)
    variable, walked = keras.Variable([0.0]), [0.0]
    for _ in range(6):
        optimizer.apply([ops.ones(1)], [variable])
        walked.append(-float(ops.convert_to_numpy(variable)[0]))
    assert np.diff(walked)[1::2].tolist() == rates


def test_rate_can_be_set_and_becomes_a_schedule():
    optimizer = kt.optimizers.SGD(0.5)
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25
    optimizer.learning_rate = Count()
    assert float(optimizer.learning_rate) == 0.0
    with pytest.raises(TypeError, match="its learning rate is not settable"):
        optimizer.learning_rate = 0.5


def build_model(optimizer, **arguments):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((3,))
    x = keras.layers.Dense(4, activation="tanh", name="body")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    model.compile(optimizer, "mse", **arguments)
    return model


def fit(model, epochs=2):
    model.fit(X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0)
    return [np.array(w) for w in model.get_weights()]


def full(name, **arguments):
    """Return an optimizer with every policy at once."""
    return MAKERS[name](
        weight_decay=DECAY, groups=GROUPS, adaptive_clipping=0.5, **arguments
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_compiled_step_is_the_eager_one(name):
    if keras.backend.backend() == "torch":
        pytest.skip("compiles by other means")
    eager = fit(build_model(full(name, global_clipnorm=1.0), run_eagerly=True))
    compiled = fit(build_model(full(name, global_clipnorm=1.0), jit_compile=True))
    for a, b in zip(eager, compiled, strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_scaled_loss_is_the_plain_one():
    if keras.backend.backend() == "jax":
        pytest.skip("Keras scales the loss only inside of `fit`")
    scaled = keras.optimizers.LossScaleOptimizer(full("AdamW"), initial_scale=1024.0)
    steps = [[1024 * g for g in step] for step in gradients(5)]
    steps.insert(2, [np.full_like(g, np.inf) for g in steps[0]])  # skipped; halves
    steps[3:] = [[g / 2 for g in step] for step in steps[3:]]
    plain = walk(full("AdamW"), gradients(5))
    for a, b in zip(plain, walk(scaled, steps), strict=True):
        assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_average_of_weights_is_that_of_keras():
    averages = []
    for family in (kt.optimizers, keras.optimizers):
        optimizer, placed = family.SGD(0.125, use_ema=True, ema_momentum=0.5), Placed()
        last = walk(optimizer, gradients(4), placed)
        optimizer.finalize_variable_values(placed.variables)
        averages.append(placed.values())
        assert (last[0] != averages[-1][0]).all()
    for mine, theirs in zip(*averages, strict=True):
        assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_resumed_run_is_the_uninterrupted_one(name, tmp_path):
    through = fit(build_model(full(name), jit_compile=False))
    first = build_model(full(name), jit_compile=False)
    fit(first, epochs=1)  # until the body opens
    first.save(tmp_path / "model.keras")
    again = fit(keras.saving.load_model(tmp_path / "model.keras"), epochs=1)
    for a, b in zip(through, again, strict=True):
        assert_array_equal(a, b)


@every_optimizer
def test_config_makes_the_same_optimizer(make):
    optimizer = make(weight_decay=DECAY, groups=GROUPS, adaptive_clipping=0.5)
    config = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(config)
    assert keras.saving.serialize_keras_object(again) == config
    for a, b in zip(
        walk(optimizer, gradients(5)), walk(again, gradients(5)), strict=True
    ):
        assert_array_equal(a, b)


def test_schedules_inside_are_saved():
    decay = keras.optimizers.schedules.ExponentialDecay(0.9, 2, 0.5)
    for optimizer in (
        kt.optimizers.SGD(decay, momentum=decay),
        kt.optimizers.AdamW(decay, beta_1=decay),
    ):
        again = type(optimizer).from_config(optimizer.get_config())
        for a, b in zip(
            walk(optimizer, gradients(5)), walk(again, gradients(5)), strict=True
        ):
            assert_array_equal(a, b)


@pytest.mark.slow
def test_augmentation_on_the_device_counts_the_same_steps():
    images = RNG.integers(0, 256, (12, 6, 5, 3)).astype("uint8")
    labels = np.eye(2, dtype="float32")[RNG.integers(0, 2, 12)]
    results = []
    for optimizer in (kt.optimizers.SGD(0.125), keras.optimizers.SGD(0.125)):
        keras.utils.set_random_seed(1)
        layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
        model = keras.Sequential([*layers, keras.layers.Dense(2)])
        model.compile(optimizer, "mse", jit_compile=False)
        callback = kt.callbacks.AugmentOnDevice(kt.layers.CutMix(seed=5))
        model.fit(images, labels, batch_size=4, verbose=0, callbacks=[callback])
        results.append(model.get_weights())
    for mine, theirs in zip(*results, strict=True):
        assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def test_rows_of_an_embedding_are_moved():
    model = keras.Sequential([keras.layers.Embedding(5, 2), keras.layers.Flatten()])
    model.compile(kt.optimizers.SGD(0.5, groups=kt.optimizers.LayerGroups([""])), "mse")
    ids = np.array([[1], [3]])
    model.build((None, 1))
    before = np.array(model.get_weights()[0])
    model.fit(ids, np.ones((2, 2)), verbose=0)
    moved = (model.get_weights()[0] != before).all(axis=1)
    assert moved.tolist() == [False, True, False, True, False]


def test_exclude_from_weight_decay_names_the_way_out():
    with pytest.raises(AttributeError, match="weight_decay=WeightDecay"):
        kt.optimizers.SGD().exclude_from_weight_decay(var_names=["bias"])


def test_every_optimizer_here_has_policies():
    for name in MAKERS:
        assert issubclass(getattr(kt.optimizers, name), Policies)


def train_on_two_replicas():
    """Return the weights of each optimizer, alone and on two logical devices."""
    import tensorflow as tf

    processor = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(processor, two)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
    weights = []
    for name in MAKERS:
        alone = build_model(full(name), jit_compile=False)
        with strategy.scope():
            model = build_model(full(name), jit_compile=False)
        for trained in (alone, model):
            trained.fit(data, epochs=2, verbose=0)
        weights.append((alone.get_weights(), model.get_weights()))
    return weights


@pytest.mark.slow
def test_two_replicas_are_one():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("asks TensorFlow")
    # Devices are divided before TensorFlow begins: in a process of its own.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        weights = pool.submit(train_on_two_replicas).result()
    assert len(weights) == len(MAKERS)
    for pairs in weights:
        for a, b in zip(*pairs, strict=True):
            assert_allclose(a, b, rtol=1e-4, atol=1e-6)
