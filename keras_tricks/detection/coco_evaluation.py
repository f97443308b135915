"""CocoEvaluation: mean average precision of held-out data after each epoch."""

import math

import keras

from keras_tricks._checks import check_integer
from keras_tricks.detection.mean_average_precision import MeanAveragePrecision


class CocoEvaluation(keras.callbacks.Callback):
    """Write the mean average precision of held-out data into the logs of an epoch.

    When an epoch ends, `model.predict` finds the objects in the images. Under
    `"val_map"`, `"val_map50"` and so on, the names of `MeanAveragePrecision` after
    `val_`, stands how well. Put this callback before those that are to see it: for
    `ModelCheckpoint` and `EarlyStopping`, `monitor="val_map50", mode="max"`. What is
    nan, the precision of small objects where there are none, is left out.

    Training goes on as without the callback: predicting draws no random numbers and
    changes no weight and no metric. After `WeightAveraging`, it is the average that is
    evaluated.

    Args:
        validation_data: A dataset of batches, `(images, {"boxes", "labels"})` or dicts
            of `"images"` and `"bounding_boxes"`, or such a tuple of arrays: images as
            the model takes them, boxes in their pixels, not encoded for the loss. It is
            gone through once in each evaluation.
        metric: A `MeanAveragePrecision`, to choose the format of the boxes or the names
            of the classes. After an evaluation, `metric.per_class()` tells more.
        frequency: Epochs from one evaluation to the next. Integer, at least 1.

    Attributes:
        metric: The metric, with the state of the last evaluation.

    Raises:
        ImportError: In `fit`, if faster-coco-eval is not installed.
        TypeError: If `metric` is none, `frequency` no integer, or in `fit`, if the
            model predicts no detections.
        ValueError: If `frequency` is below 1, or in `fit`, if `validation_data` gives
            no batches of images with boxes.

    Example:
        >>> truth = {"boxes": np.array([[[0, 0, 40, 40]]]), "labels": np.array([[0]])}
        >>> images = np.zeros((1, 64, 64, 3), "uint8")
        >>> callback = CocoEvaluation((images, truth), frequency=2)
        >>> found = {**truth, "scores": np.ones((1, 1)), "classes": truth["labels"]}
        >>> class Model(keras.Model):
        ...     def predict(self, images, verbose):
        ...         return found
        >>> callback.set_model(Model())
        >>> logs = {}
        >>> callback.on_epoch_end(0, logs)
        >>> logs
        {}
        >>> callback.on_epoch_end(1, logs)
        >>> logs["val_map"], "val_map_small" in logs
        (1.0, False)

    Reference:
        [Lin et al., 2014](https://arxiv.org/abs/1405.0312); `PyCOCOCallback` of
        KerasCV 0.9, which leaves out the objects of class 0
        ([keras-cv#2212](https://github.com/keras-team/keras-cv/issues/2212)).
    """

    def __init__(self, validation_data, metric=None, frequency: int = 1):
        super().__init__()
        check_integer("frequency", frequency, 1)
        if metric is not None and not isinstance(metric, MeanAveragePrecision):
            raise TypeError(
                f"`metric` must be a `MeanAveragePrecision`. Received: metric={metric}."
            )
        self.validation_data = validation_data
        self.metric = MeanAveragePrecision() if metric is None else metric
        self.frequency = frequency

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.frequency:
            return
        self.metric.reset_state()
        batches = 0
        for batch in _batches(self.validation_data):
            images, truth = _images_and_boxes(batch)
            self.metric.update_state(truth, self.model.predict(images, verbose=0))
            batches += 1
        if not batches:
            raise ValueError(
                "`validation_data` gave no batch. A generator ends after one epoch: "
                f"give a dataset. Received: {self.validation_data!r}."
            )
        for name, value in self.metric.result().items():
            if logs is not None and not math.isnan(value):
                logs[f"val_{name}"] = value


def _batches(data):
    if isinstance(data, (tuple, dict)):  # arrays
        return [data]
    if isinstance(data, keras.utils.PyDataset):
        return (data[i] for i in range(data.num_batches))
    return data


def _images_and_boxes(batch):
    if isinstance(batch, dict):
        pair = batch.get("images"), batch.get("bounding_boxes")
    else:
        pair = tuple(batch)[:2]
    if len(pair) < 2 or not isinstance(pair[1], dict) or "labels" not in pair[1]:
        raise ValueError(
            "`validation_data` must hold images and a dict of 'boxes' and 'labels', "
            "not encoded for the loss."
        )
    return pair
