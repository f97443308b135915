import numpy as np
import pytest

import keras_tricks as kt

Image = pytest.importorskip("PIL.Image")


def picture(path, colour, size=(9, 6), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


@pytest.fixture
def folder(tmp_path):
    picture(tmp_path / "wren" / "b.png", (200, 0, 0))
    picture(tmp_path / "wren" / "a.PNG", (0, 200, 0))
    picture(tmp_path / "auk" / "1.bmp", (0, 0, 200))
    (tmp_path / "auk" / "notes.txt").write_text("not a picture")
    (tmp_path / "readme.txt").write_text("not a class")
    return tmp_path


def test_pictures_come_in_the_order_of_their_names(folder):
    images, labels, names = kt.datasets.image_folder(folder, image_size=4)
    assert names == ["auk", "wren"]
    assert labels.tolist() == [0, 1, 1]
    assert images.shape == (3, 4, 4, 3)
    assert images.dtype == "uint8"
    np.testing.assert_array_equal(
        images[:, 0, 0], [[0, 0, 200], [0, 200, 0], [200, 0, 0]]
    )


def test_the_middle_is_kept_and_nothing_is_squashed(tmp_path):
    path = tmp_path / "x" / "1.png"
    picture(path, 0, size=(12, 4), mode="L")
    image = Image.open(path)
    image.paste(255, (4, 0, 8, 4))
    image.save(path)
    images, _, _ = kt.datasets.image_folder(tmp_path, 4)
    assert (images == 255).all()


def test_class_names_give_the_labels(folder):
    _, labels, names = kt.datasets.image_folder(folder, 4, ["wren", "auk"])
    assert names == ["wren", "auk"]
    assert labels.tolist() == [0, 0, 1]


def test_broken_pictures_are_left_out_and_counted(folder):
    (folder / "wren" / "c.jpg").write_bytes(b"")
    (folder / "wren" / "d.jpg").write_bytes(b"no picture at all")
    whole = (folder / "wren" / "b.png").read_bytes()
    (folder / "auk" / "2.png").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=r"3 of 6 pictures .* the first is .*2\.png"):
        images, labels, _ = kt.datasets.image_folder(folder, 4)
    assert labels.tolist() == [0, 1, 1]
    assert len(images) == 3


def test_class_without_a_readable_picture_is_refused(folder):
    (folder / "owl").mkdir()
    with pytest.raises(ValueError, match=r"must have a readable picture.*for owl"):
        kt.datasets.image_folder(folder, 4)
    with pytest.raises(ValueError, match="for kite"):
        kt.datasets.image_folder(folder, 4, ["wren", "kite"])


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be an existing folder.*nowhere"):
        kt.datasets.image_folder(tmp_path / "nowhere", 4)
    with pytest.raises(ValueError, match="one folder per class, and has none"):
        kt.datasets.image_folder(tmp_path, 4)
    with pytest.raises(ValueError, match="`image_size` must be at least 1"):
        kt.datasets.image_folder(tmp_path, 0)
