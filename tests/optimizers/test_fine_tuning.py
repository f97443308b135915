"""One `fit` with groups gives the weights of freezing, unfreezing, compiling again."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_tricks as kt

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 4)).astype("float32")
Y = RNG.normal(size=(12, 2)).astype("float32")
EPOCH = 3  # steps: batches of 4
OPTIMIZERS = {
    "sgd": (kt.optimizers.SGD, {"momentum": 0.9}),
    "nesterov": (kt.optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
    "adam": (kt.optimizers.Adam, {"amsgrad": True}),
    "adamw": (kt.optimizers.AdamW, {}),
    "rmsprop": (kt.optimizers.RMSprop, {"momentum": 0.5, "centered": True}),
    "lamb": (kt.optimizers.LAMB, {}),
}
ALL = pytest.mark.parametrize("name", OPTIMIZERS)


def optimizer(name, rate=0.05, groups=None):
    kind, arguments = OPTIMIZERS[name]
    return kind(rate, weight_decay=0.1, groups=groups, **arguments)


def network(kind=keras.Sequential):
    """Return a model with the same weights every time."""
    stack = [
        keras.Input((4,)),
        layers.Dense(3, use_bias=False, name="stem"),
        layers.BatchNormalization(name="norm"),
        layers.Dense(2, activation="tanh", name="head"),
    ]
    model = kind(stack, name="net")
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape) / 2)
    return model


def fit(model, epochs, **arguments):
    arguments = {"batch_size": 4, "shuffle": False, "verbose": 0, **arguments}
    return model.fit(X, Y, epochs=epochs, **arguments)


def values(variables):
    """Return copies by path, without the name of the model or optimizer before it."""
    return {
        variable.path.partition("/")[2] or variable.path: keras.ops.convert_to_numpy(
            variable
        ).copy()
        for variable in variables
    }


def assert_same(mine, theirs, **tolerance):
    assert mine.keys() == theirs.keys()
    for path, value in mine.items():
        np.testing.assert_allclose(value, theirs[path], err_msg=path, **tolerance)


def groups_of_network(starts, rates=1.0):
    return kt.optimizers.layer_groups(network(), ["norm", "head"], rates, starts)


def gradients(step):
    rng = np.random.default_rng(step)
    return [rng.normal(size=shape).astype("float32") for shape in ((4, 3), (3, 2))]


def two_variables():
    return [
        keras.Variable(value, name=name, dtype="float32")
        for name, value in zip(("body", "head"), gradients(99), strict=True)
    ]


@ALL
def test_group_opens_as_with_an_optimizer_of_its_own_from_then_on(name):
    mine, theirs = two_variables(), two_variables()
    groups = kt.optimizers.LayerGroups(["head", ""], [1.0, 0.3], [0, 4])
    together = optimizer(name, groups=groups)
    together.build(mine)
    head, body = optimizer(name, 0.05), optimizer(name, 0.05 * 0.3)
    for step in range(9):
        of_body, of_head = map(keras.ops.convert_to_tensor, gradients(step))
        together.apply([of_body, of_head], mine)
        head.apply([of_head], theirs[1:])
        if step >= 4:
            body.apply([of_body], theirs[:1])
        assert_same(values(mine), values(theirs), rtol=1e-6, atol=1e-7)


def unfrozen_by_hand(name):
    """Train the head for two epochs, then all: the documented way of Keras."""
    model = network()
    kt.optimizers.freeze_batch_norm(model)
    stem = model.get_layer("stem")
    stem.trainable = False
    model.compile(optimizer(name), "mse", jit_compile=False)
    fit(model, 2)
    slots = values(model.optimizer.variables)
    stem.trainable = True
    model.compile(optimizer(name), "mse", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    for variable in model.optimizer.variables:
        name_there = variable.path.partition("/")[2]
        if name_there in slots:
            variable.assign(slots[name_there])
    fit(model, 2)
    return model


def test_one_fit_is_freezing_unfreezing_and_compiling_again():
    model = network()
    kt.optimizers.freeze_batch_norm(model)
    groups = kt.optimizers.LayerGroups(["head/", ""], starts=[0, 2 * EPOCH])
    model.compile(optimizer("sgd", groups=groups), "mse")
    fit(model, 4)
    by_hand = unfrozen_by_hand("sgd")
    assert_same(values(model.weights), values(by_hand.weights), rtol=1e-6, atol=1e-7)
    assert_same(
        values(model.optimizer.variables),
        values(by_hand.optimizer.variables),
        rtol=1e-6,
        atol=1e-7,
    )


class Counting(keras.Sequential):
    """Counts how often the loss is computed in Python: once for each compilation."""

    count = 0

    def compute_loss(self, *args, **kwargs):
        self.count += 1
        return super().compute_loss(*args, **kwargs)


def test_closed_groups_and_their_slots_stand_still_and_open_uncompiled():
    model = network(Counting)
    groups = groups_of_network([None, EPOCH, 0])
    model.compile(optimizer("adam", groups=groups), "mse")
    model.optimizer.build(model.trainable_variables)
    before = values(model.trainable_variables + model.optimizer.variables)
    fit(model, 1)
    after = values(model.trainable_variables + model.optimizer.variables)
    changed = {path for path in after if (after[path] != before[path]).any()}
    assert changed == {p for p in after if "head" in p or p == "iteration"}

    count = model.count
    fit(model, 1)
    assert model.count == count or keras.backend.backend() == "torch"  # runs eagerly
    for path, value in values(model.trainable_variables).items():
        assert (value == before[path]).all() == ("stem" in path)


def test_batch_norm_of_a_closed_group_adapts_unless_it_is_frozen():
    for frozen in (False, True):
        model = network()
        if frozen:
            kt.optimizers.freeze_batch_norm(model)
        norm = model.get_layer("norm")
        before = values(norm.weights)
        groups = kt.optimizers.LayerGroups(["head/", ""], starts=[0, None])
        model.compile(optimizer("sgd", groups=groups), "mse", run_eagerly=True)
        fit(model, 1)
        for path, value in values(norm.weights).items():
            is_statistic = "moving" in path
            assert (value != before[path]).any() == (is_statistic and not frozen)


class Killed(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def test_run_that_is_killed_twice_ends_with_the_same_weights(tmp_path):
    def run(*callbacks):
        model = network()
        groups = groups_of_network([None, EPOCH + 1, 0], rates=0.1)
        model.compile(optimizer("adam", groups=groups), "mse", run_eagerly=True)
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        fit(model, 3, callbacks=[*callbacks, backup])
        return values(model.weights + model.optimizer.variables)

    expected = run()
    for epoch in (1, 2):  # before and after the opening
        with pytest.raises(KeyboardInterrupt):
            run(Killed(epoch))
    assert_same(run(), expected, rtol=0)


def test_saved_model_goes_on_where_it_was(tmp_path):
    model = network()
    groups = groups_of_network([None, EPOCH + 1, 0], rates=0.1)
    model.compile(optimizer("adam", groups=groups), "mse", run_eagerly=True)
    fit(model, 1)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.groups.get_config() == groups.get_config()
    for one in (model, loaded):
        fit(one, 1)
    for mine, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam", "adamw"])
def test_groups_are_parameters_of_torch_without_a_gradient_at_first(name):
    import torch

    kind, arguments = OPTIMIZERS[name]
    theirs = [torch.nn.Parameter(torch.tensor(v)) for v in gradients(99)]
    reference = getattr(torch.optim, kind.__name__)(
        [{"params": theirs[:1], "lr": 0.05 * 0.3}, {"params": theirs[1:]}],
        lr=0.05,
        weight_decay=0.1,
        **arguments,
    )
    mine = two_variables()
    groups = kt.optimizers.LayerGroups(["head", ""], [1.0, 0.3], [0, 4])
    ours = optimizer(name, groups=groups)
    for step in range(20):
        grads = gradients(step)
        ours.apply([keras.ops.convert_to_tensor(g) for g in grads], mine)
        theirs[0].requires_grad = step >= 4
        theirs[0].grad = torch.tensor(grads[0]) if step >= 4 else None
        theirs[1].grad = torch.tensor(grads[1])
        reference.step()
        for variable, parameter in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(
                keras.ops.convert_to_numpy(variable),
                parameter.detach().numpy(),
                rtol=1e-6,
                atol=1e-6,
            )
