import numpy as np
import pytest

import keras_tricks as kt


def _bounds(changed):
    """Return the box around the changed pixels of (height, width)."""
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


def _area(box):
    return np.prod((box[2:] - box[:2]).clip(0))


def _iou(one, other):
    shared = _area(np.r_[np.maximum(one, other)[:2], np.minimum(one, other)[2:]])
    return shared / (_area(one) + _area(other) - shared)


def test_box_is_around_the_pixels_that_the_bird_changes(monkeypatch):
    names = kt.datasets.bird_scenes.__globals__
    draw_bird = names["draw_bird"]
    # Without blur: a small bird out of focus changes a pixel or two around itself.
    monkeypatch.setitem(names, "photograph", lambda canvas, *_, **__: canvas)
    images, boxes = kt.datasets.bird_scenes(8, max_birds=1, seed=5)
    monkeypatch.setitem(
        names, "draw_bird", lambda canvas, *bird: draw_bird(canvas.copy(), *bird)
    )
    without, same_boxes = kt.datasets.bird_scenes(8, max_birds=1, seed=5)
    np.testing.assert_array_equal(same_boxes["boxes"], boxes["boxes"])
    change = np.abs(images.astype(int) - without).max(axis=-1)
    present = boxes["labels"][:, 0] >= 0
    assert present.sum() >= 6
    assert (change[~present] == 0).all()
    for changed, box in zip(change[present] > 16, boxes["boxes"][present], strict=True):
        assert _iou(_bounds(changed), box[0]) >= 0.9


def test_box_of_a_bird_behind_another_is_of_what_is_left_of_it(monkeypatch):
    names = kt.datasets.bird_scenes.__globals__
    shapes = []

    def left_then_right_half(canvas, plumage, pose):
        mask = np.zeros_like(canvas[0])
        first, last = ((4, 24), (16, 30))[len(shapes) % 2]
        mask[10:20, first:last] = 1
        shapes.append(mask)
        return mask

    monkeypatch.setitem(names, "draw_bird", left_then_right_half)
    monkeypatch.setitem(names, "draw_strokes", lambda canvas, *_, **__: 0 * canvas[0])
    for seed in range(50):
        shapes.clear()
        _, boxes = kt.datasets.bird_scenes(1, image_size=32, max_birds=2, seed=seed)
        if len(shapes) == 2:
            break
    np.testing.assert_array_equal(
        boxes["boxes"][0], [[4, 10, 16, 20], [16, 10, 30, 20]]
    )


def test_bird_that_would_hide_most_of_another_is_left_out(monkeypatch):
    names = kt.datasets.bird_scenes.__globals__
    monkeypatch.setitem(names, "draw_bird", lambda canvas, *_: canvas[0] * 0 + 1)
    monkeypatch.setitem(names, "draw_strokes", lambda canvas, *_, **__: 0 * canvas[0])
    _, boxes = kt.datasets.bird_scenes(20, image_size=32)
    assert (boxes["labels"] >= 0).sum(axis=1).max() == 1


def test_leaves_that_would_hide_most_of_a_bird_are_left_out(monkeypatch):
    names = kt.datasets.bird_scenes.__globals__
    whole = np.ones((32, 32), "float32")
    monkeypatch.setitem(names, "draw_bird", lambda *_: whole)
    most = whole.copy()
    most[:, :12] = 0
    monkeypatch.setitem(names, "draw_strokes", lambda *_, **__: most)
    _, boxes = kt.datasets.bird_scenes(3, image_size=32, max_birds=1)
    np.testing.assert_array_equal(boxes["boxes"][-1], [[0, 0, 32, 32]])
    monkeypatch.setitem(names, "draw_strokes", lambda *_, **__: 1 - most)
    _, boxes = kt.datasets.bird_scenes(3, image_size=32, max_birds=1)
    np.testing.assert_array_equal(boxes["boxes"][-1], [[12, 0, 32, 32]])


def test_same_arguments_give_identical_arrays():
    images, boxes = kt.datasets.bird_scenes(6, image_size=32, seed=7)
    again, same_boxes = kt.datasets.bird_scenes(6, image_size=32, seed=7)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(boxes["boxes"], same_boxes["boxes"])
    np.testing.assert_array_equal(boxes["labels"], same_boxes["labels"])


def test_more_examples_leave_the_first_ones_unchanged():
    images, boxes = kt.datasets.bird_scenes(4, image_size=32)
    more, more_boxes = kt.datasets.bird_scenes(9, image_size=32)
    np.testing.assert_array_equal(more[:4], images)
    np.testing.assert_array_equal(more_boxes["boxes"][:4], boxes["boxes"])
    np.testing.assert_array_equal(more_boxes["labels"][:4], boxes["labels"])


def test_another_seed_gives_other_scenes():
    images, _ = kt.datasets.bird_scenes(8, image_size=32, seed=0)
    others, _ = kt.datasets.bird_scenes(8, image_size=32, seed=1)
    distance = np.abs(images[:, None].astype(int) - others).mean(axis=(2, 3, 4))
    assert distance.min() > 5


@pytest.mark.parametrize(
    ("num_species", "image_size", "max_birds"), [(3, 33, 4), (1, 32, 2), (7, 48, 1)]
)
def test_arrays_have_the_promised_types_shapes_and_values(
    num_species, image_size, max_birds
):
    images, boxes = kt.datasets.bird_scenes(60, num_species, image_size, max_birds)
    assert images.dtype == np.uint8
    assert images.shape == (60, image_size, image_size, 3)
    assert boxes.keys() == {"boxes", "labels"}
    corners, labels = boxes["boxes"], boxes["labels"]
    assert corners.dtype == np.float32
    assert corners.shape == (60, max_birds, 4)
    assert labels.dtype == np.int32
    assert labels.shape == (60, max_birds)
    present = labels >= 0
    assert (present[:, :-1] >= present[:, 1:]).all()
    assert set(present.sum(axis=1)) == set(range(max_birds + 1))
    assert set(labels[present]) == set(range(num_species))
    assert (labels[~present] == -1).all()
    assert (corners[~present] == -1).all()
    assert (corners[present][:, 2:] > corners[present][:, :2]).all()
    assert corners[present].min() == 0
    assert corners[present].max() == image_size


def test_birds_are_of_many_sizes():
    _, boxes = kt.datasets.bird_scenes(40, image_size=32)
    corners = boxes["boxes"][boxes["labels"] >= 0]
    longest = (corners[:, 2:] - corners[:, :2]).max(axis=1) / 32
    assert longest.min() < 0.2
    assert 0.2 < np.median(longest) < 0.4
    assert longest.max() > 0.5


def test_species_differ_in_colour_whatever_the_seed():
    for seed in (0, 1):
        images, boxes = kt.datasets.bird_scenes(15, 2, 40, seed=seed)
        blueness = ([], [])
        for image, corners, labels in zip(
            images.astype(int), boxes["boxes"].astype(int), boxes["labels"], strict=True
        ):
            for (left, top, right, bottom), label in zip(corners, labels, strict=True):
                if label >= 0:
                    crop = image[top:bottom, left:right] - image.mean(axis=(0, 1))
                    blueness[label].append((crop[..., 2] - crop[..., 0]).mean())
        assert np.mean(blueness[0]) > np.mean(blueness[1]) + 20


def test_species_of_scenes_are_species_of_birds():
    names = kt.datasets.SCENE_SPECIES
    assert len(names) == len(set(names)) == 7
    assert set(names) <= set(kt.datasets.BIRD_SPECIES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_examples": 0}, "`num_examples` must be at least 1"),
        ({"num_species": 0}, "`num_species` must be between 1 and 7"),
        ({"num_species": 8}, "`num_species` must be between 1 and 7"),
        ({"image_size": 31}, "`image_size` must be at least 32"),
        ({"max_birds": 0}, "`max_birds` must be at least 1"),
        ({"seed": -1}, "`seed` must be at least 0"),
    ],
)
def test_values_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kt.datasets.bird_scenes(**arguments)


@pytest.mark.parametrize(
    "name", ["num_examples", "num_species", "image_size", "max_birds", "seed"]
)
def test_arguments_that_are_not_integers_are_refused(name):
    with pytest.raises(TypeError, match=f"`{name}` must be an integer"):
        kt.datasets.bird_scenes(**{name: 3.0})
