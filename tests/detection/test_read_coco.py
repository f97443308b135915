import json

import numpy as np
import pytest

import keras_tricks as kt

Image = pytest.importorskip("PIL.Image")
CATEGORIES = [{"id": 90, "name": "owl"}, {"id": 7, "name": "wren"}]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes two pictures and a file of annotations."""

    def to_file(annotations=None, images=None, categories=CATEGORIES, folder="."):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in ("a.png", "b.png"):
            Image.new("RGB", (8, 6), "red").save(tmp_path / folder / name)
        if images is None:
            images = [image(3, "a.png"), image(1, "b.png")]
        content = {"images": images, "categories": categories}
        if annotations is not None:
            content["annotations"] = annotations
        path = tmp_path / "boxes.json"
        path.write_text(json.dumps(content))
        return path

    return to_file


def image(number, name, width=8, height=6):
    return {"id": number, "file_name": name, "width": width, "height": height}


def box(image_id, category_id, bbox, **more):
    return {"image_id": image_id, "category_id": category_id, "bbox": bbox, **more}


GOOD = [box(3, 90, [1, 2, 3, 4]), box(1, 7, [0, 0, 8, 6])]


def read_with_problems(path, **options):
    with pytest.warns(UserWarning, match=r"boxes\.json met") as caught:
        annotations = kt.detection.read_coco(path, **options)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    texts = {key.split(",")[0]: value for key, value in annotations.problems.items()}
    return annotations, texts


def test_labels_are_the_places_of_the_categories_by_id(write):
    annotations = kt.detection.read_coco(write([box(3, 7, [0, 0, 2.5, 2]), *GOOD]))
    assert annotations.class_names == ["wren", "owl"]
    assert annotations.ids == [3, 1]
    assert annotations.sizes == [(6, 8), (6, 8)]
    np.testing.assert_array_equal(annotations.boxes[0], [[0, 0, 2.5, 2], [1, 2, 4, 6]])
    np.testing.assert_array_equal(annotations.boxes[1], [[0, 0, 8, 6]])
    assert [labels.tolist() for labels in annotations.labels] == [[0, 1], [0]]
    assert not np.concatenate(annotations.crowd).any()
    assert annotations.problems == {}


@pytest.mark.parametrize("folder", [".", "images", "train2017"])
def test_pictures_lie_beside_the_file_or_where_it_is_said(write, tmp_path, folder):
    path = write(GOOD, folder=folder)
    given = tmp_path / folder if folder == "train2017" else None
    annotations = kt.detection.read_coco(path, image_folder=given)
    assert annotations.paths == [str(tmp_path / folder / n) for n in ("a.png", "b.png")]


def test_class_names_give_the_labels(write):
    path = write(GOOD)
    annotations, texts = read_with_problems(path, class_names=["auk", "owl"])
    assert annotations.labels[0].tolist() == [1]
    assert texts == {
        "boxes of classes that are not in `class_names`": [
            "b.png: wren [0, 0, 8, 6]",
        ],
        "pictures without boxes": ["b.png"],
    }


def test_crowds_are_marked(write):
    path = write([*GOOD, box(1, 90, [1, 1, 4, 4], iscrowd=1)])
    annotations, texts = read_with_problems(path)
    assert annotations.crowd[1].tolist() == [False, True]
    assert list(texts) == ["boxes marked difficult or crowd"]


def test_file_of_a_test_set_has_no_annotations(write):
    annotations, texts = read_with_problems(write())
    assert annotations.ids == [3, 1]
    assert texts == {"pictures without boxes": ["a.png", "b.png"]}


def test_odd_entries_are_told(write):
    images = [image(3, "a.png"), image(1, "b.png"), image(4, "c.png")]
    images += [image(5, "a.png"), image(1, "a.png"), {"id": 6}, "odd"]
    odd = [
        box(8, 90, [0, 0, 1, 1]),  # picture that is not there
        box(1, 91, [0, 0, 2, 2]),
        box(1, 7, None),
        box(1, 7, [0, 0, float("nan"), 2]),
        box(1, 7, [5, 5, -2, -3]),
        box(5, 7, [0, 0, 4, 4]),  # the second number of a.png
        box(4, 7, [0, 0, 4, 4]),
        {"id": 9},
    ]
    path = write([*GOOD, *odd], images, [*CATEGORIES, {"id": "x"}])
    annotations, texts = read_with_problems(path)
    assert annotations.ids == [3, 1]
    np.testing.assert_array_equal(annotations.boxes[0], [[1, 2, 4, 6], [0, 0, 4, 4]])
    np.testing.assert_array_equal(annotations.boxes[1], [[0, 0, 8, 6], [3, 2, 5, 5]])
    assert texts == {
        "entries without the fields of their kind": [
            "category {'id': 'x'}",
            "image {'id': 6}",
            "image 'odd'",
            "annotation {'id': 9}",
        ],
        "pictures listed twice": ["a.png, id 5", "a.png, id 1"],
        "boxes of pictures that are not listed": ["image 8: owl [0, 0, 1, 1]"],
        "boxes of classes that are not in `class_names`": [
            "b.png: category 91 [0, 0, 2, 2]"
        ],
        "boxes without four finite numbers": [
            "b.png: wren None",
            "b.png: wren [0, 0, nan, 2]",
        ],
        "boxes with edges swapped": ["b.png: wren [5, 5, -2, -3]"],
        "pictures that cannot be read": [
            "c.png: there is no such file, 1 boxes lost",
        ],
    }


def test_unusable_requests_are_refused_by_name(write, tmp_path):
    with pytest.raises(ValueError, match="`json_file` must be a file"):
        kt.detection.read_coco(tmp_path / "nowhere.json")
    path = write(GOOD, images={})
    with pytest.raises(ValueError, match="an object with a list 'images'"):
        kt.detection.read_coco(path)
    path.write_text("[]")
    with pytest.raises(ValueError, match="an object with a list 'images'"):
        kt.detection.read_coco(path)
    path.write_text("{")
    with pytest.raises(ValueError, match="`json_file` must be JSON"):
        kt.detection.read_coco(path)
    path = write(GOOD)
    with pytest.raises(ValueError, match="`image_folder` must be an existing folder"):
        kt.detection.read_coco(path, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"No annotated picture.*empty(?s:.*)a\.png"):
        kt.detection.read_coco(path, tmp_path / "empty")
