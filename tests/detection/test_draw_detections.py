import keras
import numpy as np
import pytest

import keras_tricks as kt

draw = kt.detection.draw_detections
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 60, 80, 3)).astype("uint8")
FOUND = {
    "boxes": np.array([[[1, 2, 31, 42], [40, 10, 60, 50]], [[5, 6, 25, 16], [0] * 4]]),
    "scores": np.array([[0.4, 0.9], [0.75, 0]]),
    "classes": np.array([[1, 0], [1, -1]]),
}
TRUTH = {
    "boxes": np.array([[[0, 0, 30, 40], [-1] * 4], [[-1] * 4, [-1] * 4]]),
    "labels": np.array([[1, -1], [-1, -1]]),
}


def texts(axes):
    return [text.get_text() for text in axes.texts]


def rectangles(axes, dashed=False):
    """Return edges of the boxes that lie on top of their dark rims."""
    patches = axes.patches[1::2]
    return [
        [*p.get_xy(), p.get_x() + p.get_width(), p.get_y() + p.get_height()]
        for p in patches
        if (p.get_linestyle() in ("-", "solid")) != dashed
    ]


def test_boxes_are_drawn_where_they_are_with_class_and_score():
    figure = draw(IMAGES, FOUND, ["wren", "robin"])
    first, second = figure.axes
    # The surest come first; the centre of the first pixel is at 0.
    assert rectangles(first) == [[39.5, 9.5, 59.5, 49.5], [0.5, 1.5, 30.5, 41.5]]
    assert texts(first) == ["wren 0.90", "robin 0.40"]
    assert rectangles(second) == [[4.5, 5.5, 24.5, 15.5]]
    assert texts(second) == ["robin 0.75"]
    assert texts(draw(IMAGES, FOUND).axes[0]) == ["0 0.90", "1 0.40"]


def test_classes_have_colours_and_the_surest_lies_on_top():
    first, second = draw(IMAGES, FOUND).axes
    wren, robin = first.patches[1], first.patches[3]
    assert wren.get_edgecolor() != robin.get_edgecolor()
    assert robin.get_edgecolor() == second.patches[1].get_edgecolor()
    assert wren.get_zorder() > robin.get_zorder()
    for label in first.texts:
        assert label.get_zorder() > wren.get_zorder()


def test_letters_stand_out_from_the_colour_of_their_class():
    from matplotlib.colors import to_rgb

    boxes = np.tile([[0, 0, 9, 9]], (10, 1))
    found = {"boxes": boxes, "scores": np.ones(10), "classes": np.arange(10)}
    for label in draw(IMAGES[0], found).axes[0].texts:
        weights = (0.299, 0.587, 0.114)
        letters = np.dot(to_rgb(label.get_color()), weights)
        ground = np.dot(label.get_bbox_patch().get_facecolor()[:3], weights)
        assert abs(letters - ground) > 0.4


def test_truth_is_white_and_dashed_and_padding_is_not_drawn():
    first, second = draw(IMAGES, FOUND, ground_truth=TRUTH).axes
    assert rectangles(first, dashed=True) == [[-0.5, -0.5, 29.5, 39.5]]
    assert first.patches[1].get_edgecolor() == (1, 1, 1, 1)
    assert rectangles(second, dashed=True) == []
    assert len(rectangles(first)) == 2
    assert len(texts(first)) == 2


def test_scores_below_the_least_are_told_but_not_drawn():
    first, second = draw(IMAGES, FOUND, min_score=0.8).axes
    assert texts(first) == ["0 0.90"]
    assert first.get_title() == ""
    assert texts(second) == rectangles(second) == []
    assert second.get_title() == "none above 0.8: the best 0.75"
    nothing = {"boxes": np.zeros((1, 0, 4)), "scores": np.zeros((1, 0))}
    figure = draw(IMAGES[0], {**nothing, "classes": np.zeros((1, 0))})
    assert figure.axes[0].get_title() == "none above 0.3: nothing found"
    assert texts(draw(IMAGES, FOUND, min_score=0.4).axes[0]) == ["0 0.90", "1 0.40"]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
def test_pictures_are_drawn_as_they_are(dtype):
    figure = draw(IMAGES.astype(dtype), FOUND)
    for axes, image in zip(figure.axes, IMAGES, strict=True):
        drawn = np.asarray(axes.get_images()[0].get_array())
        np.testing.assert_allclose(drawn, image / 255, atol=1e-6)
        # Boxes beyond the picture do not make it smaller.
        assert axes.get_xlim() == (-0.5, 79.5)
        assert axes.get_ylim() == (59.5, -0.5)


def test_dark_and_grey_pictures_are_not_stretched():
    dark = np.full((1, 6, 8, 1), 1.0)
    axes = draw(dark, {key: value[:1] for key, value in FOUND.items()}).axes[0]
    drawn = np.asarray(axes.get_images()[0].get_array())
    np.testing.assert_allclose(drawn, np.full((6, 8), 1 / 255))
    assert axes.get_images()[0].get_clim() == (0, 1)


def test_pictures_of_different_sizes():
    images = [IMAGES[0], IMAGES[1][:30, :20]]
    apart = [{key: value[i] for key, value in FOUND.items()} for i in (0, 1)]
    batches = [{key: value[i : i + 1] for key, value in FOUND.items()} for i in (0, 1)]
    truth = [{key: value[i] for key, value in TRUTH.items()} for i in (0, 1)]
    for found in (apart, batches, FOUND):
        figure = draw(images, found, ground_truth=truth)
        assert [texts(axes) for axes in figure.axes] == [
            ["0 0.90", "1 0.40"],
            ["1 0.75"],
        ]
        shapes = [axes.get_images()[0].get_array().shape for axes in figure.axes]
        assert shapes == [(60, 80, 3), (30, 20, 3)]


def test_one_picture_with_and_without_its_batch():
    found = {key: value[0] for key, value in FOUND.items()}
    for image in (IMAGES[0], IMAGES[:1]):
        for boxes in (found, {key: value[:1] for key, value in FOUND.items()}):
            assert len(texts(draw(image, boxes).axes[0])) == 2


@pytest.mark.parametrize("form", ["xywh", "rel_yxyx"])
def test_boxes_of_another_format_are_drawn_in_the_same_place(form):
    def converted(batch):
        boxes = keras.utils.bounding_boxes.convert_format(
            batch["boxes"], "xyxy", form, 60, 80
        )
        return {**batch, "boxes": boxes}

    figures = (
        draw(IMAGES, FOUND, ground_truth=TRUTH),
        draw(
            IMAGES,
            converted(FOUND),
            ground_truth=converted(TRUTH),
            bounding_box_format=form,
        ),
    )
    for mine, theirs in zip(*(figure.axes for figure in figures), strict=True):
        for dashed in (False, True):
            np.testing.assert_allclose(
                rectangles(mine, dashed), rectangles(theirs, dashed), atol=1e-4
            )


def test_labels_stay_in_the_picture_and_clear_of_one_another():
    image = np.zeros((480, 640, 3), "uint8")
    rng = np.random.default_rng(1)
    corner = rng.uniform(0, (500, 400), (20, 2))
    boxes = np.hstack([corner, corner + np.array([140, 80])])
    boxes[:4, :2] = boxes[:4, 2:] - 140  # upon each other
    boxes[4:6] = (0, 0, 140, 80), (610, 465, 640, 480)
    found = {"boxes": boxes, "scores": np.linspace(0.4, 1, 20)}
    figure = draw(image, {**found, "classes": np.arange(20)})
    figure.canvas.draw()
    axes = figure.axes[0]
    extents = [label.get_window_extent() for label in axes.texts]
    frame = axes.get_window_extent()
    for i, mine in enumerate(extents):
        assert frame.x0 - 3 < mine.x0 < mine.x1 < frame.x1 + 3
        assert frame.y0 - 3 < mine.y0 < mine.y1 < frame.y1 + 3
        for theirs in extents[:i]:
            width = min(mine.x1, theirs.x1) - max(mine.x0, theirs.x0)
            height = min(mine.y1, theirs.y1) - max(mine.y0, theirs.y0)
            assert min(width, height) < 3  # pixels


def test_figure_is_1200_pixels_wide():
    pictures = np.repeat(IMAGES, 3, 0)
    found = {key: np.repeat(value, 3, 0) for key, value in FOUND.items()}
    for columns in (2, 4, 6):
        figure = draw(pictures, found, columns=columns)
        assert figure.get_figwidth() * figure.dpi == pytest.approx(1200)
        rows = figure.axes[0].get_subplotspec().get_gridspec()
        assert (rows.nrows, rows.ncols) == (-(-6 // columns), columns)
    assert len(figure.axes) == 6


def test_bad_arguments_are_refused():
    one = {key: value[:1] for key, value in FOUND.items()}
    for arguments, error, message in (
        ((IMAGES, one), ValueError, "`detections` must be .* Received: 1 for 2"),
        ((IMAGES, FOUND["boxes"]), TypeError, "`detections` must be a dict .*'scores'"),
        ((IMAGES, FOUND, None, FOUND), TypeError, "`ground_truth` must .*'labels'"),
        ((IMAGES, FOUND, ["wren"]), ValueError, "Received: 1 names and the class 1"),
        ((IMAGES[0, 0], FOUND), ValueError, r"Received: shape \(3,\)"),
        (([], FOUND), ValueError, "`images` must hold a picture"),
        ((IMAGES, FOUND, None, None, 2), ValueError, "`min_score` must be between"),
        ((IMAGES, FOUND, None, None, 0.3, 0), ValueError, "`columns` must be at least"),
    ):
        with pytest.raises(error, match=message):
            draw(*arguments)
