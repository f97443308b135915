import keras
import numpy as np
import pytest

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 12, 10, 3)).astype("uint8")
LABELS = np.array([0, 1, 2, 1], "int32")


@pytest.fixture
def small_model():
    """Return a built model of three classes with a batch norm, ending in logits."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, use_bias=False, name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, name="head"),
        ]
    )


@pytest.fixture
def fit(small_model):
    """Return a function that trains for one step with a recipe of batches of four."""

    def fit_once(recipe):
        # Eagerly: compiling the augmentations takes seconds.
        images, labels = recipe.augmentation(IMAGES, LABELS)
        assert images.shape == (4, 8, 8, 3)
        small_model.compile(
            recipe.optimizer, recipe.loss, metrics=["accuracy"], run_eagerly=True
        )
        before = [np.array(weight) for weight in small_model.get_weights()]
        history = small_model.fit(
            np.array(images),
            np.array(labels),
            batch_size=4,
            verbose=0,
            callbacks=recipe.callbacks,
        )
        moved = [
            (new != old).any()
            for new, old in zip(small_model.get_weights(), before, strict=True)
        ]
        assert any(moved)
        return history.history

    return fit_once


@pytest.fixture
def decayed(small_model):
    """Return a function: which variables the optimizer of a recipe decays."""

    def paths(recipe):
        optimizer = recipe.optimizer
        optimizer.build(small_model.trainable_variables)
        return {path.rpartition("/")[2] for path in optimizer.decayed}

    return paths
