"""MeanAveragePrecision: COCO's average precision of detections."""

import math

import keras
import numpy as np
from keras import ops

from keras_tricks._checks import check_choice, check_integer
from keras_tricks.detection._coco import SIZES, evaluate

_PIXELS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw")
_RELATIVE = ("rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")


@keras.saving.register_keras_serializable(package="keras_tricks")
class MeanAveragePrecision(keras.metrics.Metric):
    """Mean average precision of detections, as COCO computes it.

    For use by hand: `update_state(y_true, y_pred)` batch by batch, then `result()`.
    Within `fit` the callback `CocoEvaluation` does that; `compile(metrics=...)` cannot,
    because it shows a metric one output of the model at a time, in a compiled graph.

    The ground truth of a batch is a dict of `"boxes"` `(batch, objects, 4)` and
    `"labels"` `(batch, objects)`, padded with label -1. A true value in `"crowd"`
    `(batch, objects)` marks a region that counts neither as found nor as missed, and
    what is found in it is not wrong: COCO's `iscrowd`, VOC's `difficult`. Detections
    are what `SSDMobileNetV2.predict` gives: `"boxes"`, `"scores"` and `"classes"`,
    padded with class -1. Classes count from 0 on both sides. Images without objects
    belong to the data: what is found in them is wrong.

    `result()` is a dict of floats: `"map"`, the mean over classes and the IoU
    thresholds 0.5, 0.55, ..., 0.95; `"map50"` and `"map75"` at one threshold;
    `"map_small"`, `"map_medium"` and `"map_large"` of objects below 32 x 32 pixels,
    up to 96 x 96 and above; `"recall_100"`, the mean recall with 100 detections of a
    class in an image, more do not count.
    Sizes are in the pixels of the given boxes: a resized image shifts objects from one
    to another. A class without objects has no precision and is in no mean. What has no
    object at all is nan; COCO's own tools write -1.

    The numbers are those of pycocotools. They come from faster-coco-eval, which agrees
    with it to rounding and took a fourth to a tenth of its time.

    Args:
        bounding_box_format: Format of all boxes, as `keras.utils.bounding_boxes` calls
            it.
        class_names: Names of the classes, for `per_class()`, or `None` for their
            numbers.
        image_size: Height and width in pixels that relative boxes refer to. Without it
            a relative format has no sizes: `"map_small"`, `"map_medium"` and
            `"map_large"` are nan.
        name: Name of the metric.
        **kwargs: `dtype` of the metric; without effect.

    Raises:
        ImportError: In `result()`, if faster-coco-eval is not installed.
        RuntimeError: In `update_state` within a compiled graph.
        TypeError: If ground truth or detections are not dicts of the keys above.
        ValueError: If shapes do not fit together, a class has no name, a number is nan,
            or an argument is none of the accepted.

    Example:
        >>> metric = MeanAveragePrecision(class_names=["wren", "robin"])
        >>> truth = {"boxes": [[[0, 0, 40, 40], [50, 0, 90, 40]]], "labels": [[0, 1]]}
        >>> found = {
        ...     "boxes": [[[0, 0, 40, 40], [0, 50, 40, 90]]],
        ...     "scores": [[0.9, 0.8]],
        ...     "classes": [[0, 1]],
        ... }
        >>> metric.update_state(truth, found)
        >>> metric.result()["map"]
        0.5
        >>> metric.per_class()["wren"]
        {'ap': 1.0, 'ap50': 1.0, 'objects': 1}

    Reference:
        [Lin et al., 2014](https://arxiv.org/abs/1405.0312) and `cocoeval.py` of
        [cocoapi](https://github.com/cocodataset/cocoapi);
        [faster-coco-eval](https://github.com/MiXaiLL76/faster_coco_eval).
    """

    def __init__(
        self,
        bounding_box_format: str = "xyxy",
        class_names=None,
        image_size=None,
        name: str = "mean_average_precision",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        check_choice("bounding_box_format", bounding_box_format, (*_PIXELS, *_RELATIVE))
        for side in () if image_size is None else image_size:
            check_integer("image_size", side, 1)
        self.bounding_box_format = bounding_box_format
        self.class_names = class_names
        self.image_size = image_size
        self.reset_state()

    def reset_state(self):
        self._images = 0
        self._objects = []
        self._detections = []
        self._evaluation = None

    def update_state(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None:
            raise ValueError("COCO's precision has no `sample_weight`: leave it out.")
        truth = _arrays("y_true", y_true, ("boxes", "labels"), ("crowd",))
        found = _arrays("y_pred", y_pred, ("boxes", "classes", "scores"))
        if len(truth["boxes"]) != len(found["boxes"]):
            raise ValueError(
                "Ground truth and detections must be of the same images. Received: "
                f"{len(truth['boxes'])} and {len(found['boxes'])} of them."
            )
        crowd = truth.get("crowd", np.zeros(truth["labels"].shape))
        self._objects.append(self._rows(truth["boxes"], truth["labels"], crowd))
        self._detections.append(
            self._rows(found["boxes"], found["classes"], found["scores"])
        )
        self._images += len(truth["boxes"])
        self._evaluation = None

    def result(self):
        _, _, precision, recall = self._evaluate()
        sizes = {f"map_{s}": _mean(precision[..., i]) for i, s in enumerate(SIZES)}
        if self.image_size is None and self.bounding_box_format in _RELATIVE:
            sizes = dict.fromkeys(sizes, math.nan)
        del sizes["map_all"]
        return {
            "map": _mean(precision[..., 0]),
            "map50": _mean(precision[0, :, 0]),
            "map75": _mean(precision[5, :, 0]),
            **sizes,
            "recall_100": _mean(recall[..., 0]),
        }

    def per_class(self):
        """Return `{"ap", "ap50", "objects"}` of each class by name.

        Every class of `class_names` is there, or without names every class that has
        objects. A class without objects has precisions of nan.
        """
        classes, objects, precision, _ = self._evaluate()
        table = {name: _line(0, math.nan, math.nan) for name in self.class_names or ()}
        for i, label in enumerate(classes):
            name = label if self.class_names is None else self.class_names[label]
            ap, ap50 = _mean(precision[:, i, 0]), _mean(precision[:1, i, 0])
            table[name] = _line(objects[i], ap, ap50)
        return table

    def get_config(self):
        return {
            **super().get_config(),
            "bounding_box_format": self.bounding_box_format,
            "class_names": self.class_names,
            "image_size": self.image_size,
        }

    def _rows(self, boxes, classes, values):
        """Return image, class, left, top, width, height and value of each box."""
        image, place = np.nonzero(classes != -1)  # -1 is padding
        classes, values = classes[image, place], values[image, place]
        names = self.class_names
        if names is not None and classes.size and not 0 <= max(classes) < len(names):
            raise ValueError(
                "`class_names` must name every class. "
                f"Received: {len(names)} names and the class {int(max(classes))}."
            )
        boxes = keras.utils.bounding_boxes.convert_format(
            boxes[image, place],
            self.bounding_box_format,
            "xywh",
            *(self.image_size or (1, 1)),
        )
        boxes = ops.convert_to_numpy(boxes)
        rows = np.column_stack([image + self._images, classes, boxes, values])
        if np.isnan(rows).any():
            raise ValueError("Boxes and scores must not be nan: has training diverged?")
        return rows

    def _evaluate(self):
        if self._evaluation is None:
            empty = [np.zeros((0, 7))]
            self._evaluation = evaluate(
                np.concatenate([*self._objects, *empty]),
                np.concatenate([*self._detections, *empty]),
                self._images,
            )
        return self._evaluation


def _arrays(name, values, keys, optional=()):
    """Return the arrays of a batch, of one shape but for the 4 of the boxes."""
    if not isinstance(values, dict) or not set(keys) <= set(values):
        received = sorted(values) if isinstance(values, dict) else type(values).__name__
        raise TypeError(
            f"`{name}` must be a dict with the keys {', '.join(map(repr, keys))}. "
            f"Received: {received}. This metric cannot be given to `compile`: use the "
            "callback `CocoEvaluation`."
        )
    keys = (*keys, *(key for key in optional if key in values))
    arrays = {key: _array(values[key]) for key in keys}
    shape = arrays["boxes"].shape
    wanted = {key: shape[:2] + (4,) * (key == "boxes") for key in keys}
    received = {key: array.shape for key, array in arrays.items()}
    if received != wanted or len(shape) != 3:
        raise ValueError(
            f"`{name}` must have boxes of shape (batch, boxes, 4), all else of shape "
            f"(batch, boxes). Received: {received}."
        )
    return arrays


def _array(values):
    if hasattr(values, "to_tensor"):  # ragged
        values = values.to_tensor(-1)
    try:
        return ops.convert_to_numpy(values)
    except Exception as error:
        if not (ops.is_tensor(values) or isinstance(values, keras.KerasTensor)):
            raise
        raise RuntimeError(
            "MeanAveragePrecision computes with NumPy and cannot be part of a compiled "
            "graph: call it by hand on what `predict` gives, or use the callback "
            "`CocoEvaluation`."
        ) from error


def _line(objects, ap, ap50):
    return {"ap": ap, "ap50": ap50, "objects": objects}


def _mean(values):
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else math.nan
