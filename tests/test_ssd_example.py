"""The detection example, killed and resumed, on VOC's and on COCO's files."""

import json
import pathlib
import runpy
import sys

import keras
import numpy as np
import pytest

import keras_tricks as kt

pytest.importorskip("tensorflow")
pytest.importorskip("faster_coco_eval")
Image = pytest.importorskip("PIL.Image")

EXAMPLE = pathlib.Path(__file__).parent.parent / "examples" / "ssd_mobilenet_v2.py"
SMALL = ("--image-size", 64, "--batch-size", 4, "--verbose", 0)
NAMES = kt.datasets.SCENE_SPECIES[:2]


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["ssd_mobilenet_v2.py", *map(str, arguments)])
    runpy.run_path(str(EXAMPLE), run_name="__main__")


def scenes():
    images, boxes = kt.datasets.bird_scenes(14, 2, image_size=64)
    for i, image in enumerate(images):
        real = boxes["labels"][i] >= 0
        yield f"scene_{i}", image, boxes["boxes"][i][real], boxes["labels"][i][real]


@pytest.fixture
def voc(tmp_path):
    folder = tmp_path / "voc"
    for name in ("images", "annotations"):
        (folder / name).mkdir(parents=True)
    names = []
    for name, image, boxes, labels in scenes():
        names.append(name)
        Image.fromarray(image).save(folder / "images" / f"{name}.png")
        objects = "".join(
            f"<object><name>{NAMES[label]}</name><bndbox><xmin>{box[0]}</xmin>"
            f"<ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox>"
            "</object>"
            for box, label in zip(boxes, labels, strict=True)
        )
        xml = f"<annotation><filename>{name}.png</filename>{objects}</annotation>"
        (folder / "annotations" / f"{name}.xml").write_text(xml)
    (folder / "images" / "scene_0.png").write_bytes(b"not a picture")
    (folder / "train.txt").write_text("\n".join(names[:10]))
    (folder / "test.txt").write_text("\n".join(names[10:]))
    return folder


@pytest.fixture
def coco(tmp_path):
    content = {"images": [], "annotations": [], "categories": []}
    for i, name in enumerate(NAMES):
        content["categories"].append({"id": 10 * i + 3, "name": name})
    for i, (name, image, boxes, labels) in enumerate(scenes()):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
        size = {"height": 64, "width": 64}
        content["images"].append({"id": i, "file_name": f"{name}.png", **size})
        for box, label in zip(boxes.tolist(), labels.tolist(), strict=True):
            left, top, right, bottom = box
            content["annotations"].append(
                {
                    "id": len(content["annotations"]),
                    "image_id": i,
                    "category_id": 10 * label + 3,
                    "bbox": [left, top, right - left, bottom - top],
                    "iscrowd": 0,
                }
            )
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Reading ")
def test_it_is_killed_and_resumed_on_voc(monkeypatch, tmp_path, voc, capsys):
    arguments = ("--voc-dir", voc, "--run-dir", tmp_path / "run", *SMALL)
    arguments += ("--epochs", 3, "--report", tmp_path / "report.json")

    class Kill(keras.callbacks.CSVLogger):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.csv_file.close()
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keras.callbacks, "CSVLogger", Kill)
        with pytest.raises(KeyboardInterrupt):
            run(patch, *arguments)
    assert not (tmp_path / "report.json").exists()
    with pytest.raises(SystemExit, match="unfinished run with other settings"):
        run(monkeypatch, *arguments, "--seed", 1)
    run(monkeypatch, *arguments)
    assert "resumed after 2 of 3 epochs" in capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert {len(values) for values in report["history"].values()} == {3}
    assert report["settings"]["classes"] == sorted(NAMES)
    assert set(report["per_class"]) == set(NAMES)
    assert 0 <= report["mAP"] <= report["AP50"] <= 1
    assert report["seconds"] > 0
    for name in ("curves.png", "augmented.png", "detections.png"):
        with Image.open(tmp_path / "run" / name) as image:
            assert image.size[0] > 300

    photo = voc / "images" / "scene_1.png"
    run(monkeypatch, "--run-dir", tmp_path / "run", "--predict", photo)
    assert (tmp_path / "run" / "found.png").exists()


@pytest.mark.slow
def test_it_reads_coco_and_lets_the_doctor_watch(monkeypatch, tmp_path, coco, capsys):
    arguments = ("--coco-json", coco, "--run-dir", tmp_path / "run", *SMALL)
    arguments += ("--epochs", 1, "--validation", 0.3, "--doctor")
    run(monkeypatch, *arguments)
    assert "rules checked" in capsys.readouterr().out
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["settings"]["classes"] == list(NAMES)
    assert "val_map50" in report["history"]
    assert np.isfinite(report["history"]["loss"]).all()
