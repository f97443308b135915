"""The doctor's walk-throughs run in a small size, and at full size tell their story."""

import functools
import json
import pathlib
import runpy
import sys

import keras
import numpy as np
import pytest

pytest.importorskip("tensorflow")

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


def names_of(example, **small):
    """Return the names of an example, with some constants made small."""
    names = runpy.run_path(str(EXAMPLES / example))["main"].__globals__
    names.update(small)
    return names


def report_of(monkeypatch, names, path, *arguments):
    """Run an example; return what it reports."""
    arguments = ("example", "--report", path / "report.json", *arguments)
    monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
    names["main"]()
    return json.loads((path / "report.json").read_text())


@pytest.fixture
def eagerly(monkeypatch):
    """A few steps are made sooner than compiled."""
    compile_model = keras.Model.compile

    @functools.wraps(compile_model)
    def compile_eagerly(self, *args, jit_compile=False, **kwargs):
        return compile_model(self, *args, run_eagerly=True, **kwargs)

    monkeypatch.setattr(keras.Model, "compile", compile_eagerly)


@pytest.fixture
def regression():
    small = {"IMAGES": 8, "BATCH": 4, "WIDTHS": ((2,), (2,), (4,))}
    return names_of("doctor_regression.py", **small)


def test_star_is_where_the_targets_say(regression):
    images, targets = regression["draw"](seed=3)
    assert images.shape == (8, 16, 16, 1)
    assert targets.shape == (8, 3)
    # Particles are far brighter than any star.
    stars = np.where(images < 1e6, images, 0)[..., 0]
    pixels = np.arange(16) - 7.5
    row = (stars.sum(axis=2) * pixels).sum(axis=1) / stars.sum(axis=(1, 2))
    column = (stars.sum(axis=1) * pixels).sum(axis=1) / stars.sum(axis=(1, 2))
    np.testing.assert_allclose(row, targets[:, 0], atol=1)
    np.testing.assert_allclose(column, targets[:, 1], atol=1)


def test_stage_has_what_it_says(regression):
    stages = regression["stages"](100)

    def kinds(name):
        layers = regression["build"](stages[name]).layers
        return [type(layer).__name__ for layer in layers]

    assert "BatchNormalization" in kinds("found")
    assert "Squash" not in kinds("found")
    assert kinds("clipped") == [*kinds("found"), "Lambda"]
    assert kinds("squashed") == ["Squash", *kinds("found")]
    without = [kind for kind in kinds("squashed") if kind != "BatchNormalization"]
    assert kinds("bare") == kinds("all") == without
    fast, slow = (stages[name].rate for name in ("fast", "slow"))
    first = regression["RATE"]
    assert float(fast(100)) == pytest.approx(first * 0.9995**10_000, rel=1e-4)
    assert float(slow(100)) == pytest.approx(first * 0.999995**10_000, rel=1e-4)


def test_regression_reports_nan_as_none(
    monkeypatch, tmp_path, eagerly, regression, capsys
):
    stage = regression["Stage"]("a rate without bounds", 1e30, squash=True)
    monkeypatch.setitem(regression, "stages", lambda steps: {"all": stage})
    arguments = ("--epochs", 2, "--seed", 1)
    report = report_of(monkeypatch, regression, tmp_path, *arguments)
    assert report["seed"] == report["settings"]["seed"] == 1
    assert report["metrics"] == {"all": None}
    assert report["stages"]["all"]["before"] is None
    assert "a rate without bounds" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:OverfitOneSample")
def test_regression_asks_the_doctor(monkeypatch, tmp_path, regression):
    arguments = ("--epochs", 3, "--stages", "found", "one", "two")
    report = report_of(monkeypatch, regression, tmp_path, *arguments)
    assert set(report["stages"]) == {"found", "one", "two"}
    assert any("input-scale" in name for name in report["stages"]["found"]["before"])
    assert report["stages"]["one"]["can_learn_one_image"] in (True, False)
    assert report["stages"]["two"]["during"] is None
    assert len(report["history"]["two"]) == 3


@pytest.mark.slow
def test_one_class_is_named_before_training(monkeypatch, tmp_path, capsys):
    small = {"PICTURES": 20, "TEST": 9, "BATCH_SIZES": (4,), "OUTPUTS": 20, "BATCH": 4}
    names = names_of("doctor_one_class.py", **small)
    report = report_of(monkeypatch, names, tmp_path, "--epochs", 1)
    assert set(report["runs"]) == {"one class 4", "real"}
    one, real = report["runs"].values()
    assert "single-class (error)" in one["before"]
    assert not any("single-class" in name for name in real["before"] + real["during"])
    assert len(one["history"]) == len(real["history"]) == 5
    assert "one class          4" in capsys.readouterr().out


def test_step_losses_undo_the_running_mean():
    steps = names_of("doctor_one_class.py")["StepLosses"]()
    for epoch in range(2):
        steps.on_epoch_begin(epoch)
        for batch, mean in enumerate((4.0, 3.0, 2.5)):
            steps.on_train_batch_end(batch, {"loss": mean})
    assert steps.losses == pytest.approx([4, 2, 1.5] * 2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:OverfitOneSample")
def test_regression_tells_its_story(monkeypatch, tmp_path):
    names = names_of("doctor_regression.py")
    report = report_of(monkeypatch, names, tmp_path)
    loss = {name: value or np.nan for name, value in report["metrics"].items()}
    assert loss["found"] > 5  # no better than a constant
    assert loss["clipped"] > 5
    assert loss["later"] < loss["one"]
    assert 0.01 < loss["squashed"] < 1
    assert np.isnan(loss["bare"])
    assert loss["two"] < report["stages"]["two"]["first_loss"] / 1e4
    assert loss["all"] < 0.01
    assert loss["lowered"] < loss["all"] / 2
    assert loss["fast"] > 10 * loss["all"]
    assert loss["slow"] < 0.01
    assert report["seconds"] < 240


@pytest.mark.slow
def test_one_class_needs_the_same_steps_at_every_batch_size(monkeypatch, tmp_path):
    report = report_of(monkeypatch, names_of("doctor_one_class.py"), tmp_path)
    *ones, real = report["runs"].values()
    steps = [run["steps_until_low"] for run in ones]
    assert max(steps) <= min(steps) + 2
    for run in ones:
        assert "single-class (error)" in run["before"]
        assert run["rising_steps"] < 0.1
        assert run["last_loss"] < 0.01
    assert real["rising_steps"] > 0.3
    assert real["test_accuracy"] > 2 * ones[0]["test_accuracy"]
    assert report["seconds"] < 240
