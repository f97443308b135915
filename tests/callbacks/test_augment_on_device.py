import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (12, 6, 5, 3)).astype("uint8")
Y = np.eye(3, dtype="float32")[RNG.integers(0, 3, 12)]


def small_model(optimizer="sgd", **arguments):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6, 5, 3))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    loss = "categorical_crossentropy"
    model.compile(optimizer, loss, metrics=["accuracy"], **arguments)
    return model


def fit(model, data, callbacks=(), epochs=2, **arguments):
    model.fit(
        data,
        epochs=epochs,
        verbose=0,
        shuffle=False,
        callbacks=[*callbacks],
        **arguments,
    )
    return [ops.convert_to_numpy(w) for w in model.get_weights()]


def batches(*extra):
    return tf.data.Dataset.from_tensor_slices((X, Y, *extra)).batch(4)


def augmented(layer, *extra):
    """Return the batches of two epochs, changed in `tf.data`.

    They are computed before: `fit` on JAX and PyTorch takes one batch more to build
    the model, and the layer would be a call ahead.
    """
    parts = zip(*batches(*extra).repeat(2).map(layer), strict=True)
    parts = tuple(np.concatenate(part) for part in parts)
    return tf.data.Dataset.from_tensor_slices(parts).batch(4)


def pipeline():
    return kt.layers.Pipeline(
        [kt.layers.GridMask(probability=0.5), kt.layers.CutMix()], seed=5
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: kt.layers.MixUp(alpha=1.0, seed=5),
        pytest.param(pipeline, marks=pytest.mark.slow),
    ],
)
def test_training_is_that_with_the_layer_in_tf_data(make):
    expected = fit(small_model(), augmented(make()), epochs=1)
    weights = fit(small_model(), batches(), [kt.callbacks.AugmentOnDevice(make())])
    plain = fit(small_model(), batches())
    for mine, theirs, other in zip(weights, expected, plain, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-6)
        assert np.abs(mine - other).max() > 5e-5


@pytest.mark.slow
def test_it_is_compiled_with_the_step():
    layer = kt.layers.MixUpOrCutMix(seed=5)
    expected = fit(small_model(), augmented(kt.layers.MixUpOrCutMix(seed=5)), epochs=1)
    # torch.compile takes minutes and is not ours to test
    model = small_model(jit_compile=keras.backend.backend() != "torch")
    weights = fit(model, batches(), [kt.callbacks.AugmentOnDevice(layer)])
    for mine, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-6)


@pytest.mark.slow
def test_gradient_accumulation_does_not_repeat_a_draw():
    def make():
        optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=3)
        return small_model(optimizer), kt.layers.MixUp(alpha=1.0, seed=5)

    model, layer = make()
    expected = fit(model, augmented(layer), epochs=1)
    model, layer = make()
    weights = fit(model, batches(), [kt.callbacks.AugmentOnDevice(layer)])
    for mine, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-6)


def test_sample_weights_are_mixed_along():
    weight = RNG.random(12).astype("float32")
    layer = kt.layers.MixUp(alpha=1.0, seed=5)
    expected = fit(small_model(), augmented(layer, weight), epochs=1)
    layer = kt.layers.MixUp(alpha=1.0, seed=5)
    callback = kt.callbacks.AugmentOnDevice(layer)
    weights = fit(small_model(), batches(weight), [callback])
    for mine, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-6)


@pytest.mark.slow
def test_it_is_off_from_the_epoch():
    data = batches()
    expected = small_model()
    fit(expected, data, [kt.callbacks.AugmentOnDevice(kt.layers.CutMix(seed=5))], 1)
    expected = fit(expected, data, epochs=2)
    callback = kt.callbacks.AugmentOnDevice(kt.layers.CutMix(seed=5), off_from_epoch=1)
    weights = fit(small_model(), data, [callback], epochs=3)
    for mine, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    never = kt.callbacks.AugmentOnDevice(kt.layers.CutMix(seed=5), off_from_epoch=0)
    plain = fit(small_model(), data)
    for mine, theirs in zip(fit(small_model(), data, [never]), plain, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_validation_is_not_touched_and_the_model_is_as_before():
    model = small_model()
    callback = kt.callbacks.AugmentOnDevice(kt.layers.CutMix(seed=5))
    history = model.fit(
        X, Y, validation_data=(X, Y), verbose=0, callbacks=[callback], epochs=1
    )
    result = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert history.history["val_loss"][0] == pytest.approx(result["loss"], rel=1e-5)
    assert not {"train_step", "make_train_function"} & set(vars(model))


@pytest.mark.slow
def test_an_interrupted_fit_leaves_nothing_behind():
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    model = small_model(keras.optimizers.SGD(0.0))
    callback = kt.callbacks.AugmentOnDevice(kt.layers.CutMix(seed=5))
    with pytest.raises(KeyboardInterrupt):
        fit(model, batches(), [callback, Interrupt()])
    expected = small_model()
    for one in (model, expected):
        one.optimizer.learning_rate.assign(0.1)
    for mine, theirs in zip(
        fit(model, batches()), fit(expected, batches()), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    fit(model, batches(), [callback])
    assert not {"train_step", "make_train_function"} & set(vars(model))


def test_a_step_of_the_users_own_is_kept():
    model = small_model()
    original, calls = model.train_step, []

    def mine(*arguments):
        calls.append(1)
        return original(*arguments)

    model.train_step = mine
    fit(model, batches(), [kt.callbacks.AugmentOnDevice(kt.layers.CutMix(seed=5))])
    assert calls
    assert model.train_step is mine


def test_what_cannot_work_is_refused():
    with pytest.raises(TypeError, match="`layer` must be an augmentation layer"):
        kt.callbacks.AugmentOnDevice(keras.layers.RandomFlip())
    with pytest.raises(ValueError, match="`off_from_epoch` must be at least 0"):
        kt.callbacks.AugmentOnDevice(kt.layers.CutMix(), off_from_epoch=-1)
    both = [kt.callbacks.AugmentOnDevice(kt.layers.CutMix()) for _ in range(2)]
    with pytest.raises(ValueError, match="takes one AugmentOnDevice"):
        fit(small_model(), batches(), both)
    model = small_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = kt.callbacks.AugmentOnDevice(kt.layers.CutMix(3))
    with pytest.raises(ValueError, match="Labels must be one-hot"):
        model.fit(X, Y.argmax(1), verbose=0, callbacks=[callback])
    foreign = kt.layers.Pipeline([keras.layers.RandomFlip(), kt.layers.CutMix()])
    for layer in (foreign, kt.layers.Pipeline([foreign])):
        with pytest.raises(TypeError, match="RandomFlip"):
            kt.callbacks.AugmentOnDevice(layer)
    with pytest.raises(TypeError, match="Received: Sequential"):
        kt.callbacks.AugmentOnDevice(keras.Sequential([kt.layers.CutMix()]))
