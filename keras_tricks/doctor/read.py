"""Read a finished training and say what it shows."""

import csv
import math
import pathlib

from keras_tricks.doctor.watching.judge import judge
from keras_tricks.doctor.watching.watch import Watch

RATES = ("learning_rate", "lr")


def read(history, epochs=None, optimizer=None, loss=None, parameters=None):
    """Say what the curves of a finished training show.

    Only logs are known: what needs the weights or a batch is listed as not judged.
    `kt.callbacks.Doctor` sees more.

    Args:
        history: A `keras.callbacks.History`, its dict of lists, a file of `CSVLogger`,
            or a folder that `keras.callbacks.TensorBoard` wrote.
        epochs: Epochs that were planned, if more than were run.
        optimizer: Name of the optimizer, for the report.
        loss: Name of the loss, as `"mse"`: some cannot be negative.
        parameters: Number of the model's weights: advice differs by size.

    Returns:
        A `kt.doctor.Diagnosis`.

    Raises:
        ValueError: If there is no loss in it.
        ImportError: If a folder is given but TensorBoard is not installed.

    Example:
        >>> losses = [2.3, 2.5, 3.1, 4.0, 5.2, 7.3, 9.9, 14.0, 20.1, 29.8, 43.0]
        >>> [finding.name for finding in read({"loss": losses}).findings]
        ['lr-high']
    """
    logs = _logs(history)
    if not len(logs.get("loss", ())):
        raise ValueError(
            "`history` must hold a loss per epoch under 'loss'. Received: "
            f"{sorted(logs)}."
        )
    rates = next((list(logs[name]) for name in RATES if name in logs), [])
    facts = {"optimizer": optimizer, "loss": loss, "parameters": parameters}
    watch = Watch(
        logs={name: list(values) for name, values in logs.items()},
        rates=rates,
        epochs=epochs or len(logs["loss"]),
        facts={name: value for name, value in facts.items() if value is not None},
    )
    return judge(watch)


def _logs(history):
    history = getattr(history, "history", history)
    if isinstance(history, dict):
        return history
    path = pathlib.Path(history)
    return _of_folder(path) if path.is_dir() else _of_csv(path)


def _of_csv(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in (rows[0] if rows else {}) if name != "epoch"]
    return {name: [_number(row[name]) for row in rows] for name in names}


def _of_folder(path):
    """Read what `keras.callbacks.TensorBoard` writes: a run for each part."""
    try:
        from tensorboard.backend.event_processing import event_accumulator
    except ImportError as error:
        raise ImportError(
            "A folder needs TensorBoard: pip install 'keras-tricks[tensorboard]'"
        ) from error
    logs, parts = {}, {"train": "", "validation": "val_"}
    if not (path / "train").is_dir():
        parts = {"": ""}
    for part, prefix in parts.items():
        events = event_accumulator.EventAccumulator(str(path / part), {"tensors": 0})
        events.Reload()
        for tag in events.Tags()["tensors"]:
            if tag.startswith("epoch_"):
                values = [float(_value(e)) for e in events.Tensors(tag)]
                logs[prefix + tag.removeprefix("epoch_")] = values
    return logs


def _value(event):
    from tensorboard.util import tensor_util

    return tensor_util.make_ndarray(event.tensor_proto)


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan
