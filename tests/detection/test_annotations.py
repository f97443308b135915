import numpy as np
import pytest

import keras_tricks as kt

Image = pytest.importorskip("PIL.Image")
tf = pytest.importorskip("tensorflow")


def annotations(paths, boxes, labels, **more):
    crowd = [np.zeros(len(each), bool) for each in labels]
    values = {
        "paths": [str(path) for path in paths],
        "boxes": [np.array(each, "float32").reshape(-1, 4) for each in boxes],
        "labels": [np.array(each, "int32") for each in labels],
        "crowd": crowd,
        "sizes": [(6, 8)] * len(paths),
        "class_names": ["auk", "owl"],
    }
    return kt.detection.Annotations(**{**values, **more})


@pytest.fixture
def three(tmp_path):
    """One picture with a crowd, one without boxes, one with two boxes."""
    for name, colour in (("a", (250, 0, 0)), ("b", (0, 250, 0)), ("c", (0, 0, 250))):
        Image.new("RGB", (8, 6), colour).save(tmp_path / f"{name}.png")
    return annotations(
        [tmp_path / f"{name}.png" for name in "abc"],
        [[[0, 0, 8, 6], [2, 3, 4, 6]], [], [[4, 0, 8, 3], [0, 0, 2, 2]]],
        [[0, 1], [], [1, 1]],
        crowd=[np.array([True, False]), np.zeros(0, bool), np.zeros(2, bool)],
        ids=[10, 20, 30],
    )


def test_dataset_holds_squashed_pictures_and_boxes_in_order(three):
    data = three.dataset(4)
    assert data.cardinality() == 3
    assert data.element_spec["images"].shape == (4, 4, 3)
    assert data.element_spec["bounding_boxes"]["boxes"].shape == (2, 4)
    assert data.element_spec["bounding_boxes"]["labels"].shape == (2,)
    (batch,) = data.batch(3)
    colours = [[250, 0, 0], [0, 250, 0], [0, 0, 250]]
    np.testing.assert_array_equal(batch["images"][:, 1, 2], colours)
    assert batch["images"].dtype == "uint8"
    assert set(batch["bounding_boxes"]) == {"boxes", "labels"}
    none = [-1.0] * 4
    boxes = [[[1, 2, 2, 4], none], [none, none], [[2, 0, 4, 2], [0, 0, 1, 4 / 3]]]
    np.testing.assert_allclose(batch["bounding_boxes"]["boxes"], boxes, rtol=1e-6)
    labels = [[1, -1], [-1, -1], [1, 1]]
    np.testing.assert_array_equal(batch["bounding_boxes"]["labels"], labels)


def test_dataset_of_an_evaluation_keeps_crowds(three):
    (batch,) = three.dataset((3, 4), crowd=True).batch(3)
    assert batch["images"].shape == (3, 3, 4, 3)
    objects = {k: v.numpy() for k, v in batch["bounding_boxes"].items()}
    np.testing.assert_allclose(objects["boxes"][0], [[0, 0, 4, 3], [1, 1.5, 2, 3]])
    np.testing.assert_array_equal(objects["labels"], [[0, 1], [-1, -1], [1, 1]])
    crowd = [[True, False], [False, False], [False, False]]
    np.testing.assert_array_equal(objects["crowd"], crowd)


def test_dataset_of_background_only_has_room_for_a_box(three):
    background = annotations(three.paths[:1], [[]], [[]])
    (element,) = background.dataset(4)
    np.testing.assert_array_equal(element["bounding_boxes"]["labels"], [-1])


@pytest.mark.parametrize(
    ("mode", "suffix", "colour"),
    [
        ("RGB", ".bmp", (200, 100, 0)),
        ("L", ".png", 100),
        ("I;16", ".png", 100 * 256 + 7),
        ("LA", ".png", (100, 9)),
        ("RGBA", ".png", (200, 100, 0, 9)),
        ("P", ".png", 3),
        ("P", ".gif", 3),
        ("1", ".png", 1),
        ("CMYK", ".jpg", (55, 155, 255, 0)),
        ("RGB", ".webp", (200, 100, 0)),
    ],
)
def test_pictures_of_any_kind_become_rgb(tmp_path, mode, suffix, colour):
    path = tmp_path / f"picture{suffix}"
    picture = Image.new(mode, (8, 6), colour)
    if mode == "P":
        picture.putpalette([0] * 9 + [200, 100, 0])
    options = {"transparency": b"\xff\xff\xff\x05"} if suffix == ".png" else {}
    picture.save(path, **(options if mode == "P" else {}))
    gray = {"L": 100, "LA": 100, "I;16": 100, "1": 255}.get(mode)
    expected = [gray] * 3 if gray else [200, 100, 0]
    image = annotations([path], [[]], [[]]).image(0)
    assert image.shape == (6, 8, 3)
    assert image.dtype == "uint8"
    tolerance = 6 if suffix in (".jpg", ".webp") else 0
    np.testing.assert_allclose(image[2, 3].astype(int), expected, atol=tolerance)


def test_split_deals_out_all_pictures_once(three):
    many = annotations(range(10), [[]] * 10, [[]] * 10, ids=list(range(10)))
    train, validation = many.split(0.3, seed=1)
    assert (len(train), len(validation)) == (7, 3)
    assert sorted(train.paths + validation.paths) == many.paths
    assert train.ids == sorted(train.ids)
    assert many.split(0.3, seed=1)[1].paths == validation.paths
    assert many.split(0.3, seed=2)[1].paths != validation.paths
    for part in three.split(0.34):
        for path, boxes, number in zip(part.paths, part.boxes, part.ids, strict=True):
            whole = three.paths.index(path)
            np.testing.assert_array_equal(boxes, three.boxes[whole])
            assert number == three.ids[whole]
    with pytest.raises(ValueError, match="`fraction` must leave a picture on both"):
        many.split(0.01)
    with pytest.raises(ValueError, match="`fraction` must be between 0 and 1"):
        many.split(3)


def test_report_counts_pictures_boxes_and_problems(three):
    text = str(
        kt.detection.Annotations(
            **{**vars(three), "problems": {"strange pictures": ["a", "b", "c", "d"]}}
        )
    )
    assert text.splitlines() == [
        "3 pictures of 8x6 pixels, 1 without boxes",
        "4 boxes of 2 classes; 0 to 2 per picture, median 2",
        "  auk: 1 box in 1 picture",
        "  owl: 3 boxes in 2 pictures",
        "Box sizes: 28.9, 33.7, 42.7, 62.5, 100 % of the side (least, quartiles, most)",
        "Problems:",
        "  strange pictures: 4 (a; b; c; …)",
    ]
    assert repr(three).startswith("Annotations(3 pictures, 4 boxes, 2 classes;")


def test_lists_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="must have one entry per picture"):
        annotations(["a"], [[], []], [[]])
    with pytest.raises(ValueError, match="at least one"):
        annotations([], [], [])
    with pytest.raises(ValueError, match=r"as many entries .* \[1, 2, 2\] for a"):
        annotations(["a"], [[[0, 0, 1, 1]]], [[0, 1]])
    with pytest.raises(ValueError, match="`image_size` must be at least 1"):
        annotations(["a"], [[]], [[]]).dataset(0)
