"""Every example runs in a small size, in this process: TensorFlow is imported once."""

import json
import pathlib
import runpy
import sys
import types

import keras
import numpy as np
import pytest

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")
Image = pytest.importorskip("PIL.Image")

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


def run(monkeypatch, name, *arguments):
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder {train,test}/<class>/*.png of a few drawn birds, one of them broken."""
    root = tmp_path_factory.mktemp("pictures")
    for split, count in (("train", 40), ("test", 8)):
        for i, (image, label) in enumerate(
            zip(*kt.datasets.birds(count, 2, 32), strict=True)
        ):
            folder = root / split / f"species {label}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{i}.png")
    (root / "train" / "species 0" / "broken.jpg").write_bytes(b"not a picture")
    return root


SMALL = ("--image-size", 32, "--batch-size", 8, "--verbose", 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*cannot be read")
@pytest.mark.filterwarnings("ignore:OverfitOneSample")
def test_bird_classification_is_killed_and_resumed(
    monkeypatch, tmp_path, pictures, capsys
):
    arguments = ("--data-dir", pictures, "--run-dir", tmp_path / "run", *SMALL)
    arguments += ("--epochs", 3, "--report", tmp_path / "report.json")
    arguments += ("--augment", "none", "--erase", "grid-mask", "--crop", 0.5)

    class Kill(keras.callbacks.CSVLogger):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.csv_file.close()
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keras.callbacks, "CSVLogger", Kill)
        with pytest.raises(KeyboardInterrupt):
            run(patch, "bird_classification.py", *arguments)
    assert not (tmp_path / "report.json").exists()

    with pytest.raises(SystemExit, match="unfinished run with other settings"):
        run(monkeypatch, "bird_classification.py", *arguments, "--seed", 1)
    run(monkeypatch, "bird_classification.py", *arguments)
    report = json.loads((tmp_path / "report.json").read_text())
    tricks = report["runs"]["tricks"]
    assert tricks["resumed_after_epochs"] == 2
    assert {len(values) for values in report["history"].values()} == {3}
    assert 0 <= report["test_accuracy"] <= 1
    assert report["settings"]["classes"] == ["species 0", "species 1"]
    assert report["seconds"] > 0
    for name in ("curves.png", "tricks/confusion.png", "tricks/augmented.png"):
        with Image.open(tmp_path / "run" / name) as image:
            assert image.size[0] > 300

    photo = next((pictures / "test" / "species 1").iterdir())
    capsys.readouterr()
    run(
        monkeypatch,
        "bird_classification.py",
        "--run-dir",
        tmp_path / "run",
        "--predict",
        photo,
    )
    lines = capsys.readouterr().out.splitlines()
    chances = [float(line.split("%")[0]) for line in lines]
    assert sum(chances) == pytest.approx(100, abs=0.2)
    assert sorted(chances, reverse=True) == chances


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:OverfitOneSample")
def test_bird_classification_reads_tfds_and_keeps_a_finished_baseline(
    monkeypatch, tmp_path, capsys
):
    images, labels = kt.datasets.birds(40, 2, 24)
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    features = {"label": types.SimpleNamespace(names=["finch", "wren"])}
    module = types.ModuleType("tensorflow_datasets")
    module.load = lambda name, with_info, as_supervised: (
        {"train": data, "test": data.take(6)},
        types.SimpleNamespace(features=features),
    )
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", module)
    arguments = ("--tfds", "two_birds", "--run-dir", tmp_path, *SMALL, "--epochs", 1)
    arguments += ("--baseline", "--mix", "cutmix", "--no-overfit-check")

    fit = keras.Model.fit
    with monkeypatch.context() as patch:
        count = iter(range(9))

        def killed_in_the_second_model(*args, **kwargs):
            if next(count) == 1:
                raise KeyboardInterrupt
            return fit(*args, **kwargs)

        patch.setattr(keras.Model, "fit", killed_in_the_second_model)
        with pytest.raises(KeyboardInterrupt):
            run(patch, "bird_classification.py", *arguments)
    before = json.loads((tmp_path / "plain" / "result.json").read_text())
    run(monkeypatch, "bird_classification.py", *arguments)
    assert "plain    test accuracy" in capsys.readouterr().out
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["classes"] == ["finch", "wren"]
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["runs"]["plain"] == before


@pytest.mark.parametrize("option", ["augment", "erase", "mix"])
def test_bird_classification_changes_batches_as_it_is_told(option):
    example = runpy.run_path(str(EXAMPLES / "bird_classification.py"))
    images, labels = kt.datasets.birds(4, 2, 24)
    labels = np.eye(2)[labels]
    args = types.SimpleNamespace(image_size=24, **example["PLAIN"])
    for choice in example[option.upper()]:
        setattr(args, option, choice)
        changed, _ = example["augmentation"](args, 0)((images, labels))
        assert changed.shape == images.shape
        same = keras.ops.convert_to_numpy(changed) == images
        assert same.all() == (choice == "none")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("--data-dir", "nowhere"), ValueError, "one folder per class.*nowhere"),
        (("--predict", "a.png", "--run-dir", "nowhere"), OSError, "nowhere/settings"),
    ],
)
def test_bird_classification_says_what_is_missing(
    monkeypatch, arguments, error, message
):
    with pytest.raises(error, match=message):
        run(monkeypatch, "bird_classification.py", *arguments)


@pytest.mark.slow
def test_bird_classification_offline_beats_the_plain_baseline(monkeypatch, tmp_path):
    report = tmp_path / "report.json"
    run(
        monkeypatch,
        "bird_classification.py",
        *("--run-dir", tmp_path / "run", "--report", report, "--verbose", 0),
    )
    report = json.loads(report.read_text())
    accuracies = {name: run["test_accuracy"] for name, run in report["runs"].items()}
    assert accuracies["tricks"] > accuracies["plain"] + 0.05
    assert report["seconds"] < 240
    assert np.isfinite(report["history"]["loss"]).all()
