import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 12, 10, 3)).astype("uint8")
LABELS = np.arange(6)


def layers():
    return [
        keras.layers.RandomFlip("horizontal"),
        kt.layers.GridMask(probability=0.5),
        kt.layers.CutMix(6),
    ]


def results(batch):
    return [np.asarray(ops.convert_to_numpy(x)) for x in keras.tree.flatten(batch)]


def assert_same(first, second):
    for mine, theirs in zip(results(first), results(second), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
def test_one_seed_reproduces_all_layers():
    data = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(3).repeat(2)
    keras.utils.set_random_seed(1)
    first = list(data.map(kt.layers.Pipeline(layers(), seed=4)))
    keras.utils.set_random_seed(2)
    second = list(data.map(kt.layers.Pipeline(layers(), seed=4)))
    other = list(data.map(kt.layers.Pipeline(layers(), seed=5)))
    assert_same(first, second)
    assert any(
        (mine != theirs).any()
        for mine, theirs in zip(results(first), results(other), strict=True)
    )


def test_equal_layers_draw_different_numbers():
    twice = kt.layers.Pipeline([kt.layers.CutMix(6), kt.layers.CutMix(6)], seed=1)
    _, labels = twice(IMAGES, LABELS)
    assert (ops.convert_to_numpy(labels) > 0).sum(1).max() > 2


def test_keras_layers_get_boxes_and_masks_but_never_labels():
    boxes = {"boxes": np.array([[[1.0, 2, 4, 6]]] * 6), "labels": np.zeros((6, 1))}
    batch = {
        "images": IMAGES.astype("float32"),
        "labels": LABELS,
        "bounding_boxes": boxes,
        "segmentation_masks": IMAGES[..., :1],
    }
    flip = keras.layers.RandomFlip("horizontal", bounding_box_format="xyxy")
    pipeline = kt.layers.Pipeline([flip, keras.layers.Rescaling(1 / 255)], seed=1)
    out = {k: v for k, v in pipeline(batch).items() if k != "bounding_boxes"}
    moved = ops.convert_to_numpy(pipeline.augment_batch(batch, [1, 0])["images"])
    assert moved.max() <= 1
    images, masks = (
        ops.convert_to_numpy(out[k]) for k in ("images", "segmentation_masks")
    )
    np.testing.assert_allclose(images[..., :1] * 255, masks, atol=1e-3)
    assert (masks != IMAGES[..., :1]).any()
    np.testing.assert_array_equal(ops.convert_to_numpy(out["labels"]), LABELS)


def test_it_works_on_images_alone_and_in_a_model():
    pipeline = kt.layers.Pipeline(layers()[:2], seed=1)
    inputs = keras.Input((12, 10, 3), dtype="uint8")
    model = keras.Model(inputs, pipeline(inputs))
    assert (ops.convert_to_numpy(model(IMAGES, training=False)) == IMAGES).all()
    assert (ops.convert_to_numpy(model(IMAGES, training=True)) != IMAGES).any()


@pytest.mark.slow
def test_parallel_batches_are_reproduced_with_a_seed_of_their_own():
    pipeline = kt.layers.Pipeline([kt.layers.GridMask(), kt.layers.CutMix(6)])

    def augment(images, labels, seed):
        batch = pipeline.augment_batch({"images": images, "labels": labels}, seed)
        return batch["images"], batch["labels"]

    def course():
        batches = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(2)
        seeds = tf.data.Dataset.random(seed=1, rerandomize_each_iteration=True)
        data = tf.data.Dataset.zip(batches, seeds.batch(2))
        data = data.map(lambda batch, seed: augment(*batch, seed), 2)
        return [results(batch) for _ in range(2) for batch in data]

    first, second = course(), course()
    assert_same(first, second)
    assert (first[0][0] != first[3][0]).any()  # another epoch, other numbers


def test_what_is_no_layer_is_refused():
    with pytest.raises(TypeError, match="`layers` must be a list of layers"):
        kt.layers.Pipeline([np.flip])


def test_the_batch_of_the_user_is_left_alone():
    boxes = {"boxes": np.ones((6, 1, 4), "float32"), "labels": np.zeros((6, 1))}
    batch = {"images": IMAGES.astype("float32"), "bounding_boxes": boxes}
    before = {**boxes}
    flip = keras.layers.RandomFlip("horizontal", bounding_box_format="xyxy")
    kt.layers.Pipeline([flip], seed=1).augment_batch(batch, np.array([0, 0]))
    assert all(boxes[key] is before[key] for key in before)


def test_what_a_layer_has_learned_is_kept():
    images = IMAGES.astype("float32")
    normalization = keras.layers.Normalization()
    normalization.adapt(images)
    for seed in (None, 1):
        normalized = kt.layers.Pipeline([normalization], seed=seed)(images)
        assert abs(np.mean(ops.convert_to_numpy(normalized))) < 1e-3
