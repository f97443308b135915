import numpy as np
import pytest

import keras_tricks as kt

Image = pytest.importorskip("PIL.Image")
OBJECT = (
    "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin>"
    "<ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


class Folder:
    """A data set in VOC's form that grows."""

    def __init__(self, path, images="images", annotations="annotations"):
        self.path, self.images, self.annotations = path, images, annotations
        (path / images).mkdir()
        (path / annotations).mkdir()

    def picture(self, name, size=(8, 6), colour="red", **options):
        Image.new("RGB", size, colour).save(self.path / self.images / name, **options)

    def annotation(self, name, *objects, size=(8, 6)):
        """Write objects of (class, left, top, right, bottom, *difficult)."""
        width, height = size
        parts = [
            OBJECT.format(each[0], *each[5:] or (0,), *each[1:5]) for each in objects
        ]
        (self.path / self.annotations / f"{name}.xml").write_text(
            f"<annotation><size><width>{width}</width><height>{height}</height></size>"
            f"{''.join(parts)}</annotation>"
        )

    def add(self, name, *objects, **options):
        self.picture(f"{name}.png")
        self.annotation(name, *objects, **options)

    def list(self, *lines, name="train.txt"):
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def read_with_problems(folder, **options):
    """Return the annotations and their problems, after one warning of them all."""
    with pytest.warns(UserWarning, match="met") as caught:
        annotations = kt.detection.read_voc(folder.path, **options)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    for reason, texts in annotations.problems.items():
        assert f"{reason}: {len(texts)} ({texts[0]}" in str(caught[0].message)
    return annotations, annotations.problems


def the_problem(folder, about, **options):
    """Return the annotations and the text of their only problem."""
    annotations, problems = read_with_problems(folder, **options)
    ((reason, (text,)),) = problems.items()
    assert about in reason
    return annotations, text


def test_boxes_and_labels_are_those_of_the_file(folder):
    folder.add("2", ("owl", 0, 0, 8, 6), ("auk", 1, 2, 3.5, 4))
    folder.add("1", ("auk", 4, 3, 8, 6))
    folder.list("2", "1")
    annotations = kt.detection.read_voc(folder.path)
    assert annotations.class_names == ["auk", "owl"]
    assert [path[-12:] for path in annotations.paths] == [
        "images/2.png",
        "images/1.png",
    ]
    assert annotations.ids == ["2", "1"]
    assert annotations.sizes == [(6, 8), (6, 8)]
    np.testing.assert_array_equal(annotations.boxes[0], [[0, 0, 8, 6], [1, 2, 3.5, 4]])
    np.testing.assert_array_equal(annotations.boxes[1], [[4, 3, 8, 6]])
    assert [labels.tolist() for labels in annotations.labels] == [[1, 0], [0]]
    assert [crowd.tolist() for crowd in annotations.crowd] == [[False, False], [False]]
    assert annotations.boxes[0].dtype == "float32"
    assert annotations.problems == {}


def test_original_layout_and_lists_of_any_form_are_read(tmp_path):
    folder = Folder(tmp_path, "JPEGImages", "Annotations")
    for name in ("a", "b", "c", "d 1", "e.f"):
        folder.add(name, ("owl", 0, 0, 8, 6))
    (tmp_path / "JPEGImages" / "c.png").rename(tmp_path / "JPEGImages" / "c.PNG")
    lines = ["a.png", "", "b  -1", "JPEGImages/c.PNG", "d 1", "e.f.xml"]
    folder.list(*lines, name="ImageSets/Main/val.txt")
    annotations = kt.detection.read_voc(tmp_path, "val")
    assert annotations.ids == ["a", "b", "c", "d 1", "e.f"]


def test_no_list_means_all(folder):
    folder.add("b", ("owl", 0, 0, 8, 6))
    folder.add("a", ("owl", 0, 0, 8, 6))
    assert kt.detection.read_voc(folder.path, split=None).ids == ["a", "b"]


def test_class_names_give_the_labels(folder):
    folder.add("1", ("owl", 0, 0, 4, 6), ("kite", 0, 0, 8, 6))
    folder.list("1")
    names = ["owl", "auk"]
    annotations, text = the_problem(folder, "not in `class_names`", class_names=names)
    assert annotations.class_names == names
    assert annotations.labels[0].tolist() == [0]
    assert text == "1.xml: kite ['0', '0', '8', '6']"


@pytest.mark.parametrize(
    ("box", "about", "expected"),
    [
        ((-3, 0, 4, 9), "leave their picture, clipped", [0, 0, 4, 6]),
        ((6, 5, 2, 1), "swapped", [2, 1, 6, 5]),
        ((3, 2, 3, 5), "no area", None),
        ((9, 2, 12, 5), "no area", None),
        ((1, 2, "nan", 5), "finite numbers", None),
        ((1, 2, "1e999", 5), "finite numbers", None),
        ((1, 2, "", 5), "finite numbers", None),
    ],
)
def test_odd_boxes_are_repaired_or_left_out_and_told(folder, box, about, expected):
    folder.add("1", ("owl", *box), ("owl", 0, 0, 1, 1))
    folder.list("1")
    annotations, text = the_problem(folder, about)
    boxes = [[0, 0, 1, 1]] if expected is None else [expected, [0, 0, 1, 1]]
    np.testing.assert_array_equal(annotations.boxes[0], boxes)
    assert len(annotations.labels[0]) == len(annotations.crowd[0]) == len(boxes)
    assert text.startswith("1.xml: owl ['")
    assert str(box[0]) in text


def test_rounding_is_clipped_without_a_word(folder):
    folder.add("1", ("owl", -0.4, 0, 8.4, 6))
    folder.list("1")
    annotations = kt.detection.read_voc(folder.path)
    np.testing.assert_array_equal(annotations.boxes[0], [[0, 0, 8, 6]])
    assert annotations.problems == {}


def test_box_that_is_there_twice_is_read_once(folder):
    folder.add("1", *[("owl", 0, 0, 4, 4)] * 2, ("auk", 0, 0, 4, 4))
    folder.list("1")
    annotations, _ = the_problem(folder, "there twice")
    assert annotations.labels[0].tolist() == [1, 0]


def test_difficult_boxes_are_marked(folder):
    folder.add("1", ("owl", 0, 0, 4, 4, 1), ("owl", 0, 0, 8, 6, 0))
    folder.list("1")
    annotations, _ = the_problem(folder, "difficult")
    assert annotations.crowd[0].tolist() == [True, False]


def test_pictures_without_boxes_are_kept(folder):
    folder.add("1")
    folder.add("2", ("owl", 0, 0, 8, 6))
    folder.list("1", "2")
    annotations, text = the_problem(folder, "kept as background")
    assert text == "1.png"
    assert annotations.boxes[0].shape == (0, 4)
    assert annotations.labels[0].shape == annotations.crowd[0].shape == (0,)


def test_files_that_are_broken_or_missing_are_told(folder):
    folder.add("good", ("owl", 0, 0, 8, 6))
    folder.add("cut", ("owl", 0, 0, 8, 6))
    cut = folder.path / "images" / "cut.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (6, 8, 3), "uint8")).save(
        cut
    )
    cut.write_bytes(cut.read_bytes()[:120])
    folder.add("text")
    (folder.path / "images" / "text.png").write_text("not a picture")
    folder.add("xml")
    (folder.path / "annotations" / "xml.xml").write_text("<annotation><size>")
    folder.annotation("lonely", ("owl", 0, 0, 8, 6))
    folder.picture("bare.png")
    folder.list("good", "cut", "text", "xml", "lonely", "bare", "nowhere", "good")
    annotations, problems = read_with_problems(folder)
    assert annotations.ids == ["good"]
    texts = {reason.split(",")[0]: texts for reason, texts in problems.items()}
    (unreadable,) = texts.pop("annotations that cannot be read")
    assert unreadable.startswith("xml.xml: no element found")
    assert texts == {
        "pictures that cannot be read": [
            "cut.png: OSError, 1 boxes lost",
            "text.png: UnidentifiedImageError, 0 boxes lost",
        ],
        "annotations without a picture": ["lonely.xml", "nowhere: neither is there"],
        "pictures without an annotation": ["bare"],
        "pictures listed twice": ["good in train.txt"],
    }


def test_unverified_pictures_are_not_decoded(folder):
    folder.add("1", ("owl", 0, 0, 8, 6))
    path = folder.path / "images" / "1.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), "uint8")
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:3000])
    (folder.path / "images" / "1.png").unlink()
    folder.annotation("1", ("owl", 0, 0, 8, 6), size=(80, 60))
    folder.list("1")
    annotations = kt.detection.read_voc(folder.path, verify=False)
    assert annotations.sizes == [(60, 80)]
    with pytest.raises(ValueError, match=r"No annotated picture(?s:.*)1\.jpg: OSError"):
        kt.detection.read_voc(folder.path)


def test_size_of_the_picture_is_trusted(folder):
    folder.add("1", ("owl", 0, 0, 8, 6), size=(0, 0))
    folder.list("1")
    annotations, text = the_problem(folder, "not the picture's, ignored")
    assert text == "1.xml says 0x0, it is 8x6"
    assert annotations.sizes == [(6, 8)]
    np.testing.assert_array_equal(annotations.boxes[0], [[0, 0, 8, 6]])


def test_boxes_in_another_scale_are_told_apart(folder):
    folder.add("1", ("owl", 4, 3, 16, 12), size=(16, 12))
    folder.list("1")
    _, problems = read_with_problems(folder)
    assert problems["pictures whose boxes fit the annotation's size only: scale them"]


# Where the size stays, nothing tells boxes on the stored pixels apart.
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [(i, False) for i in range(1, 9)] + [(i, True) for i in range(5, 9)],
)
def test_boxes_stay_on_the_object_when_a_picture_is_turned(folder, orientation, stored):
    exif = Image.Exif()
    exif[0x0112] = orientation
    dark = Image.new("RGB", (8, 6), "black")
    dark.paste("white", (1, 1, 3, 2))
    dark.save(folder.path / "images" / "1.png", exif=exif)
    turned = orientation > 4
    folder.list("1")
    if stored:
        folder.annotation("1", ("owl", 1, 1, 3, 2))
    else:  # as an annotation tool that turns pictures would write it
        upright = np.array(image_upright(folder, orientation))
        y, x = np.nonzero(upright[..., 0])
        box = (x.min(), y.min(), x.max() + 1, y.max() + 1)
        folder.annotation("1", ("owl", *box), size=(6, 8) if turned else (8, 6))
    if orientation == 1:
        annotations = kt.detection.read_voc(folder.path)
    else:
        annotations, text = the_problem(folder, "turned upright")
        assert text == "1.png" + " (and its boxes, drawn on the stored pixels)" * stored
    image = annotations.image(0)
    assert image.shape[:2] == annotations.sizes[0] == ((8, 6) if turned else (6, 8))
    left, top, right, bottom = annotations.boxes[0][0].astype(int)
    assert (image[top:bottom, left:right] == 255).all()
    assert image.sum() == 2 * 3 * 255


def image_upright(folder, orientation):
    from PIL import ImageOps

    with Image.open(folder.path / "images" / "1.png") as image:
        return ImageOps.exif_transpose(image)


def test_unusable_requests_are_refused_by_name(folder, tmp_path):
    with pytest.raises(ValueError, match="`folder` must hold a folder images or"):
        kt.detection.read_voc(tmp_path / "nowhere")
    folder.list("1", name="test.txt")
    with pytest.raises(ValueError, match=r"`split` must name a list.*there are test"):
        kt.detection.read_voc(folder.path)
    with pytest.raises(
        ValueError, match=r"No annotated picture(?s:.*)neither is there"
    ):
        kt.detection.read_voc(folder.path, "test")
    folder.add("1", ("owl", 0, 0, 8, 6))
    with pytest.raises(TypeError, match="`class_names` must be a list of strings"):
        kt.detection.read_voc(folder.path, "test", class_names="owl")
    with pytest.raises(ValueError, match="`class_names` must be distinct"):
        kt.detection.read_voc(folder.path, "test", class_names=["owl", "owl"])
