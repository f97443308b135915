import keras
import numpy as np
import pytest
from keras import layers

import keras_tricks as kt

FALLING = [2.3, 1.6, 1.2, 0.9, 0.7, 0.6, 0.52, 0.47, 0.44, 0.42, 0.41, 0.40]


def names(history, **hints):
    return [finding.name for finding in kt.doctor.read(history, **hints).findings]


def test_healthy_history_has_no_finding():
    values = [loss + 0.1 for loss in FALLING]
    assert names({"loss": FALLING, "val_loss": values}) == []


@pytest.mark.parametrize(
    ("name", "logs"),
    [
        ("lr-high", {"loss": [2.3 * 1.2**epoch for epoch in range(12)]}),
        ("lr-high", {"loss": [2.3, *[1.2, 2.0] * 6]}),
        ("lr-low", {"loss": [2.3 - 0.002 * epoch for epoch in range(12)]}),
        ("nan-loss", {"loss": [2.3, 2.2, np.nan, np.nan]}),
        ("nothing-trains", {"loss": [0.4375] * 6}),
        ("loss-sign", {"loss": [-(2.0**epoch) for epoch in range(12)]}),
        ("not-learning", {"loss": [2.31, 2.32, 2.3, 2.33, 2.31, 2.29, 2.31, 2.32]}),
        ("too-few-epochs", {"loss": [2.3 * 0.9**epoch for epoch in range(12)]}),
        (
            "overfit",
            {"loss": FALLING, "val_loss": [2, 1.5, 1.2, *np.linspace(1.1, 2, 9)]},
        ),
        (
            "overfit",
            {"loss": FALLING, "accuracy": [0.99] * 12, "val_accuracy": [0.6] * 12},
        ),
        (
            "lr-decay",
            {
                "loss": [2.3, 1.9, 1.6] + [1.58] * 9,
                "learning_rate": [0.1, 0.01, 0.001] + [1e-5] * 9,
            },
        ),
    ],
)
def test_sick_history_is_named(name, logs):
    found = kt.doctor.read(logs).findings
    assert found[0].name == name
    assert found[0].evidence
    assert found[0].fix


def test_rules_that_need_more_than_logs_are_not_judged():
    diagnosis = kt.doctor.read({"loss": FALLING})
    assert "hidden-dead-relu" in dict(diagnosis.not_judged)
    assert diagnosis.instruments["epochs"] == {"loss": FALLING}


def test_hints_are_used():
    logs = {"loss": [0.5, 0.1, -0.2, -0.4]}
    assert "loss-sign" not in names(logs)
    assert "loss-sign" in names(logs, loss="binary_crossentropy")
    decay = {
        "loss": [2.3, 1.9, 1.6] + [1.58] * 5,
        "lr": [0.1, 0.01, 0.001] + [1e-5] * 5,
    }
    assert "lr-decay" in names(decay)
    assert "lr-decay" in names(decay, epochs=20)
    assert kt.doctor.read(logs, optimizer="Adam").facts["optimizer"] == "Adam"


@pytest.mark.slow
def test_history_dict_csv_and_tensorboard_say_the_same(tmp_path):
    x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile(keras.optimizers.SGD(4.0), "mse", run_eagerly=True)
    callbacks = [keras.callbacks.CSVLogger(tmp_path / "log.csv")]
    if keras.backend.backend() == "tensorflow":
        callbacks.append(keras.callbacks.TensorBoard(tmp_path / "board"))
    data = x, x[:, :1]
    history = model.fit(
        *data, epochs=3, validation_data=data, callbacks=callbacks, verbose=0
    )
    sources = [history, history.history, tmp_path / "log.csv"]
    sources += [str(tmp_path / "board")] * (len(callbacks) > 1)
    read = [kt.doctor.read(source) for source in sources]
    if len(callbacks) > 1:  # one run of two
        alone = kt.doctor.read(tmp_path / "board" / "train").instruments["epochs"]
        np.testing.assert_allclose(alone["loss"], history.history["loss"], rtol=1e-6)
    for other in read:
        for name in ("loss", "val_loss"):
            epochs = other.instruments["epochs"][name]
            np.testing.assert_allclose(epochs, history.history[name], rtol=1e-6)
        assert [f.name for f in other.findings] == [f.name for f in read[0].findings]
    assert read[0].findings[0].name == "lr-high"


def test_what_has_no_loss_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a loss per epoch.*Received: \['mae'\]"):
        kt.doctor.read({"mae": [1.0]})
    with pytest.raises(ValueError, match="Received: \\[\\]"):
        kt.doctor.read(tmp_path)
