"""The fine-tuning example runs in a small size, is killed and goes on."""

import functools
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

EXAMPLE = pathlib.Path(__file__).parent.parent / "examples" / "fine_tuning.py"
ARGUMENTS = ("--image-size", 32, "--epochs", 2, "--unfreeze-epoch", 1, "--verbose", 0)


@pytest.fixture
def example(monkeypatch):
    """Return the names of the example; offline, it draws and trains little."""
    # A few steps are made sooner than compiled.
    compile_eagerly = functools.partialmethod(keras.Model.compile, run_eagerly=True)
    monkeypatch.setattr(keras.Model, "compile", compile_eagerly)
    main = runpy.run_path(str(EXAMPLE))["main"]
    small = {"BEGIN_PICTURES": 20, "BEGIN_EPOCHS": 1, "FEW": 2, "TEST": 3}
    main.__globals__.update(small)
    return main.__globals__


def run(monkeypatch, example, *arguments):
    monkeypatch.setattr(sys, "argv", ["fine_tuning.py", *map(str, arguments)])
    example["main"]()


class Kill(keras.callbacks.CSVLogger):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:  # the network that is fine-tuned was trained for one epoch
            self.csv_file.close()
            raise KeyboardInterrupt


@pytest.mark.slow
def test_fine_tuning_is_killed_and_goes_on(monkeypatch, tmp_path, example, capsys):
    report = tmp_path / "report.json"
    arguments = (*ARGUMENTS, "--run-dir", tmp_path, "--report", report, "--no-scratch")
    with monkeypatch.context() as patch:
        patch.setattr(keras.callbacks, "CSVLogger", Kill)
        with pytest.raises(KeyboardInterrupt):
            run(patch, example, *arguments)
    assert not report.exists()
    (begun,) = tmp_path.glob("*/begin/history.csv")
    before = begun.stat().st_mtime_ns

    run(monkeypatch, example, *arguments)
    assert begun.stat().st_mtime_ns == before  # not trained again
    written = json.loads(report.read_text())
    assert written["runs"]["fine-tuned"]["resumed_after_epochs"] == 1
    assert {len(values) for values in written["history"].values()} == {2}
    assert written["test_accuracy"] == written["history"]["val_accuracy"][-1]
    assert written["settings"]["classes"] == list(kt.datasets.BIRD_SPECIES[10:])
    assert written["seconds"] > 0
    assert "fine-tuned test accuracy" in capsys.readouterr().out
    assert not list(tmp_path.glob("*/*/backup"))  # begins anew


@pytest.mark.slow
def test_fine_tuning_reads_folders_and_npz_and_compares(monkeypatch, tmp_path, example):
    image = pytest.importorskip("PIL.Image")
    for split, count in (("train", 6), ("test", 4)):
        for i, (picture, label) in enumerate(
            zip(*kt.datasets.birds(count, 3, 32), strict=True)
        ):
            folder = tmp_path / "pictures" / split / f"species {label}"
            folder.mkdir(parents=True, exist_ok=True)
            image.fromarray(picture).save(folder / f"{i}.png")
    body = example["small_network"]((32, 32, 3))
    arrays = {
        f"{layer.name}/{variable.name}": keras.ops.convert_to_numpy(variable) + 0.5
        for layer in body.layers
        for variable in layer.weights
    }
    np.savez(tmp_path / "weights.npz", **arrays)
    run(
        monkeypatch,
        example,
        *ARGUMENTS[:2],
        *("--epochs", 1, "--verbose", 0, "--batch-size", 4, "--run-dir", tmp_path),
        *("--data-dir", tmp_path / "pictures", "--max-classes", 2, "--scratch"),
        *("--weights", tmp_path / "weights.npz"),
    )
    (report,) = tmp_path.glob("*/report.json")
    report = json.loads(report.read_text())
    assert report["settings"]["classes"] == ["species 0", "species 1"]
    assert set(report["runs"]) == {"fine-tuned", "scratch"}
    # The body is still closed in these steps: what was given is what was saved.
    (path,) = tmp_path.glob("*/fine-tuned/body.weights.h5")
    body.load_weights(path)
    for layer in body.layers:
        for variable in layer.weights:
            np.testing.assert_array_equal(
                keras.ops.convert_to_numpy(variable),
                arrays[f"{layer.name}/{variable.name}"],
            )


def test_fine_tuning_reads_tfds(monkeypatch, example):
    images, labels = kt.datasets.birds(10, 2, 24)
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    features = {"label": types.SimpleNamespace(names=["finch", "wren"])}
    module = types.ModuleType("tensorflow_datasets")
    module.load = lambda name, with_info, as_supervised: (
        {"train": data, "test": data.take(6)},
        types.SimpleNamespace(features=features),
    )
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", module)
    args = types.SimpleNamespace(data_dir=None, tfds="two_birds", image_size=24)
    train, test, names = example["load"](args)
    np.testing.assert_array_equal(train[0], images)
    np.testing.assert_array_equal(train[1], labels)
    assert len(test[0]) == len(test[1]) == 6
    assert names == ["finch", "wren"]


def test_fine_tuning_wants_weights_for_pictures_of_others(monkeypatch, example, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, example, "--data-dir", "pictures")
    assert "--weights is missing" in capsys.readouterr().err


@pytest.mark.slow
def test_fine_tuning_offline_beats_training_from_scratch(monkeypatch, tmp_path):
    main = runpy.run_path(str(EXAMPLE))
    report = tmp_path / "report.json"
    arguments = ("--run-dir", tmp_path, "--report", report, "--verbose", 0)
    run(monkeypatch, main, *arguments)
    report = json.loads(report.read_text())
    accuracies = {name: run["test_accuracy"] for name, run in report["runs"].items()}
    assert accuracies["fine-tuned"] > accuracies["scratch"] + 0.05
    assert report["seconds"] < 240
