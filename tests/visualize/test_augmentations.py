import random

import keras
import numpy as np
import pytest

import keras_tricks as kt

draw = kt.visualize.augmentations
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 5, 4, 3)).astype("uint8")
BOXES = {
    "boxes": np.array([[[1, 0, 3, 4], [-1] * 4], [[0, 1, 2, 2], [2, 3, 4, 5]]], "f4"),
    "labels": np.array([[1, -1], [0, 2]]),
}


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def pictures(figure):
    return [np.asarray(axes.get_images()[0].get_array()) for axes in figure.axes]


def rectangles(axes):
    return [
        [*patch.get_xy(), patch.get_width(), patch.get_height()]
        for patch in axes.patches
    ]


def test_labels_are_shown_with_their_weights():
    labels = np.array(
        [[0.25, 0.75, 0], [0, 0, 1], [0.4, 0.305, 0.295], [0.99, 0.01, 0]]
    )
    figure = draw((np.zeros((4, 5, 4, 3), "uint8"), labels))
    assert titles(figure) == [
        "1 0.75 + 0 0.25",
        "2",
        "0 0.40 + 1 0.30 + 2 0.29",
        "0 0.99",
    ]


def test_integer_and_binary_labels_and_names():
    images = np.zeros((2, 5, 4, 1), "float32")
    assert titles(draw((images, np.array([1, 0])), ["wren", "robin"])) == [
        "robin",
        "wren",
    ]
    assert titles(draw((images, np.array([[0.3], [1.0]])))) == ["0.30", "1"]
    assert titles(draw(images)) == ["", ""]


def test_long_names_are_broken_between_classes():
    names = ["tit", "American Three toed Woodpecker"]
    figure = draw((IMAGES, np.array([[0.9, 0.1], [0.2, 0.8]])), names)
    assert titles(figure)[0] == "tit 0.90\n+ American Three toed\nWoodpecker 0.10"


@pytest.mark.parametrize(
    ("dtype", "values", "drawn"),
    [
        ("uint8", [0, 1, 255], [0, 1 / 255, 1]),
        ("int64", [0, 128, 255], [0, 128 / 255, 1]),
        ("uint8", [0, 1, 1], [0, 1 / 255, 1 / 255]),
        ("float32", [0, 51, 204], [0, 0.2, 0.8]),
        ("float16", [0, 0.25, 0.5], [0, 0.25, 0.5]),
        ("float32", [0, 0.25, 1.001], [0, 0.25, 1]),
        ("float32", [-2, 0, 2], [0, 0.5, 1]),
        ("float32", [-1, -1, -1], [0, 0, 0]),
    ],
)
def test_values_of_every_common_range_are_drawn(dtype, values, drawn):
    grey = np.reshape(values, (1, 1, 3, 1)).astype(dtype)
    drawn = np.reshape(drawn, (1, 3))
    figure = draw(np.repeat(grey, 3, axis=-1))
    colours = np.repeat(drawn[..., None], 3, axis=-1)
    np.testing.assert_allclose(pictures(figure)[0], colours, atol=1e-3)
    figure = draw(grey)
    np.testing.assert_allclose(pictures(figure)[0], drawn, atol=1e-3)
    image = figure.axes[0].get_images()[0]
    assert image.get_cmap().name == "gray"
    assert image.get_clim() == (0, 1)


def test_boxes_are_drawn_with_their_names_but_not_padding():
    figure = draw({"images": IMAGES, "bounding_boxes": BOXES}, ["wren", "robin", "tit"])
    first, second = figure.axes
    # The centre of the first pixel is at 0.
    assert rectangles(first) == [[0.5, -0.5, 2, 4]]
    assert rectangles(second) == [[-0.5, 0.5, 2, 1], [1.5, 2.5, 2, 2]]
    assert [text.get_text() for text in first.texts] == ["robin"]
    assert [text.get_text() for text in second.texts] == ["wren", "tit"]


def test_boxes_of_another_format_are_drawn_in_the_same_place():
    relative = keras.utils.bounding_boxes.convert_format(
        BOXES["boxes"], "xyxy", "rel_yxyx", 5, 4
    )
    batch = {"images": IMAGES, "bounding_boxes": {**BOXES, "boxes": relative}}
    axes = draw(batch, bounding_box_format="rel_yxyx").axes
    assert rectangles(axes[0]) == [pytest.approx([0.5, -0.5, 2, 4])]


@pytest.mark.parametrize("form", ["integers", "one channel", "one-hot"])
def test_masks_are_laid_over_the_picture_and_clear_at_class_0(form):
    classes = RNG.integers(0, 3, (2, 5, 4))
    masks = {
        "integers": classes,
        "one channel": classes[..., None],
        "one-hot": np.eye(3, dtype="float32")[classes],
    }
    figure = draw({"images": IMAGES, "segmentation_masks": masks[form]})
    for axes, expected in zip(figure.axes, classes, strict=True):
        overlay = np.asarray(axes.get_images()[1].get_array())
        np.testing.assert_array_equal(overlay[..., 3], np.where(expected > 0, 0.5, 0))
        colours = [{tuple(c) for c in overlay[expected == k]} for k in (1, 2)]
        assert [len(c) for c in colours] == [1, 1]
        assert colours[0] != colours[1]


def test_first_batch_of_a_dataset_is_drawn():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((IMAGES, [3, 4]))
    figure = draw(data.batch(1))
    assert titles(figure) == ["3"]
    np.testing.assert_allclose(pictures(figure)[0], IMAGES[0] / 255, atol=1e-6)
    with pytest.raises(ValueError, match="The dataset is empty"):
        draw(data.take(0).batch(1))


def test_ragged_boxes_are_drawn():
    tf = pytest.importorskip("tensorflow")
    ragged = {
        "boxes": tf.ragged.constant([[[1.0, 0, 3, 4]], []], ragged_rank=1),
        "labels": tf.ragged.constant([[1], []]),
    }
    axes = draw({"images": IMAGES, "bounding_boxes": ragged}).axes
    assert [len(a.patches) for a in axes] == [1, 0]


def test_layer_is_drawn_beside_the_originals_as_in_its_first_calls():
    layer = kt.layers.CutMix(num_classes=2, minmax=(0.3, 0.7), seed=3)
    arguments = {"images": IMAGES, "labels": np.array([0, 1])}
    figure = draw(layer, ["wren", "robin"], 3, **arguments)
    calls = [layer(**arguments) for _ in range(2)]
    expected = [
        image for i in (0, 1) for image in (IMAGES[i], *(c[0][i] for c in calls))
    ]
    np.testing.assert_allclose(pictures(figure), np.array(expected) / 255, atol=1e-6)
    for i, name in ((0, "wren"), (1, "robin")):
        original, *drawn = titles(figure)[3 * i : 3 * i + 3]
        assert original == name
        for title, (_, labels) in zip(drawn, calls, strict=True):
            assert f"{name} {float(labels[i][i]):.2f}" in title


def layers():
    flip = keras.layers.RandomFlip(seed=1)
    return [
        kt.layers.GridMask(fill_value=9),
        kt.layers.Pipeline([flip, kt.layers.GridMask()]),
        flip,
        keras.layers.RandomRotation(0.2),
        keras.Sequential([keras.layers.RandomFlip(), keras.layers.Rescaling(1 / 255)]),
    ]


@pytest.mark.parametrize("layer", layers(), ids=lambda layer: layer.name)
def test_layer_and_randomness_are_as_before(layer):
    images, labels = np.repeat(IMAGES, 2, axis=0), np.arange(4)
    state = random.getstate()
    before = [keras.ops.convert_to_numpy(v).copy() for v in layer.variables]
    figure = draw(layer, images={"images": images, "labels": labels}, columns=5)
    assert random.getstate() == state
    for value, variable in zip(before, layer.variables, strict=True):
        np.testing.assert_array_equal(value, keras.ops.convert_to_numpy(variable))
    drawn = np.array(pictures(figure)).reshape(4, 5, 5, 4, 3)
    np.testing.assert_allclose(drawn[:, 0], images / 255, atol=1e-6)
    assert len({column.tobytes() for column in drawn.swapaxes(0, 1)}) > 2
    assert titles(figure) == [t for i in "0123" for t in (i, "", "", "", "")]
    np.testing.assert_array_equal(images, np.repeat(IMAGES, 2, axis=0))


def test_layer_that_changes_the_range_is_drawn_in_its_own():
    figure = draw(
        keras.layers.Rescaling(1 / 127.5, offset=-1), images=IMAGES, columns=2
    )
    drawn = np.array(pictures(figure)).reshape(2, 2, 5, 4, 3)
    low, high = IMAGES.min() / 255, IMAGES.max() / 255
    stretched = (drawn[:, 0] - low) / (high - low)
    np.testing.assert_allclose(drawn[:, 1], stretched, atol=1e-5)


def test_signed_originals_and_draws_share_a_scale():
    layer = keras.layers.Rescaling(0.5)
    figure = draw(layer, images=IMAGES / 127.5 - 1, columns=2)
    drawn = np.array(pictures(figure)).reshape(2, 2, 5, 4, 3)
    assert np.ptp(drawn[:, 1]) == pytest.approx(np.ptp(drawn[:, 0]) / 2, rel=0.01)


def test_adapted_normalization_is_drawn_with_what_it_learned():
    normalization = keras.layers.Normalization(axis=-1)
    normalization.adapt(IMAGES.astype("float32"))
    figure = draw(
        keras.Sequential([normalization]), images=IMAGES.astype("float32"), columns=2
    )
    drawn = np.array(pictures(figure)).reshape(2, 2, 5, 4, 3)[:, 1]
    expected = normalization(IMAGES.astype("float32"))
    expected = keras.ops.convert_to_numpy(expected)
    expected = (expected - expected.min()) / np.ptp(expected)
    np.testing.assert_allclose(drawn, expected, atol=1e-4)


def test_keras_layer_leaves_the_batch_alone_and_moves_boxes_along():
    layer = keras.layers.RandomFlip("horizontal", bounding_box_format="xyxy", seed=0)
    batch = {"images": IMAGES, "bounding_boxes": BOXES}
    axes = draw(layer, images=batch, columns=12).axes
    assert batch == {"images": IMAGES, "bounding_boxes": BOXES}
    places = [tuple(rectangles(a)[0]) for a in axes]
    assert places[0] == (0.5, -0.5, 2, 4)
    assert set(places[:12]) == {(0.5, -0.5, 2, 4)}  # symmetric in the picture
    assert set(places[12:]) == {(-0.5, 0.5, 2, 1), (1.5, 0.5, 2, 1)}


def test_bad_data_is_refused():
    for data, error, message in (
        ((IMAGES[0], [0]), ValueError, r"Received: images of shape \(5, 4, 3\)"),
        (IMAGES[..., :2], ValueError, r"Received: images of shape \(2, 5, 4, 2\)"),
        ({"labels": [0]}, ValueError, r"Received: images of shape \(0,\)"),
        ((IMAGES, [0]), ValueError, r"as many labels as images.*shape \(1,\)"),
        ((IMAGES, BOXES), ValueError, r"as many labels as images.*shape \(\)"),
        ("birds", TypeError, "`data` must be a batch, .* Received: data='birds'"),
        (iter([IMAGES]), TypeError, "`data` must be a batch"),
    ):
        with pytest.raises(error, match=message):
            draw(data)
    with pytest.raises(ValueError, match=r"Received: 2 names and the label 3"):
        draw((IMAGES, [0, 3]), ["wren", "robin"])
    with pytest.raises(ValueError, match=r"Received: 2 names and the label -1"):
        draw((IMAGES, [0, -1]), ["wren", "robin"])


def test_bad_arguments_are_refused():
    flip = keras.layers.RandomFlip()
    with pytest.raises(ValueError, match="`columns` must be at least 1"):
        draw(IMAGES, columns=0)
    with pytest.raises(ValueError, match="`columns` must be at least 2"):
        draw(flip, images=IMAGES, columns=1)
    with pytest.raises(ValueError, match="needs `images` to change"):
        draw(flip)
    with pytest.raises(ValueError, match=r"what a layer is to change.*data=ndarray"):
        draw(IMAGES, labels=[0, 1])
    with pytest.raises(ValueError, match="labels twice"):
        draw(flip, images=(IMAGES, [0, 1]), labels=[0, 1])
