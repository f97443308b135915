"""SSD on MobileNetV2: an object detector for small devices."""

import types

import keras
import numpy as np

from keras_tricks._checks import check_choice, check_integer, check_number
from keras_tricks.detection._backbone import mobile_net_v2
from keras_tricks.detection._heads import extra_maps, prediction_heads
from keras_tricks.detection.box_loss import BoxLoss
from keras_tricks.detection.decode_detections import DecodeDetections
from keras_tricks.detection.encode_targets import EncodeTargets
from keras_tricks.detection.focal_crossentropy import FocalCrossentropy
from keras_tricks.detection.hard_negative_crossentropy import HardNegativeCrossentropy
from keras_tricks.detection.ssd_anchors import ssd_anchors

_PER_CELL = (7, 6, 6, 6, 6, 6)  # anchors: the first map has a smaller square more


@keras.saving.register_keras_serializable(package="keras_tricks")
class SSDMobileNetV2(keras.Model):
    """SSD on MobileNetV2: an object detector for small devices.

    An ordinary Keras model of raw images `(batch, height, width, 3)`, 0 to 255; what
    MobileNetV2 wants is computed inside. Its outputs are a dict of `boxes`, codes
    `(batch, anchors, 4)`, and `classes`, logits `(batch, anchors, classes + 1)` with
    background last (with `classifier="sigmoid"`, `(batch, anchors, classes)`).

    `compile(optimizer)` takes the losses that belong to it; `fit` takes images and
    boxes, a dict of `boxes`, `(batch, boxes, 4)`, and `labels`, `(batch, boxes)` of
    class ids from 0, -1 for padding. They are matched to anchors inside the step, or
    earlier, by `dataset.map(model.encode_targets)`. `predict` returns objects: a dict
    of `boxes`, `scores` and `classes` (see `DecodeDetections`), for images of any one
    size, in whose pixels the boxes are. So does the functional model that
    `detector(...)` returns, which is the one to export.

    Args:
        num_classes: Kinds of objects, background not counted. Integer, at least 1.
        image_size: Height and width that the network sees, in pixels: one integer, or
            two.
        alpha: Width of MobileNetV2. Float above 0.
        weights: `None` for random ones, `"imagenet"`, which is downloaded, or the path
            of a file of MobileNetV2's: `.weights.h5`, `.keras`, or `.npz` of arrays
            named `<layer>/<variable>`.
        freeze_batch_norm: Whether MobileNetV2 keeps the statistics of its batch norms,
            their scales and offsets. `None` means that it does if `weights` are given:
            a step then takes two thirds of the time, and small batches do no harm.
        classifier: `"softmax"` over classes and background, as in the paper, trained
            with `HardNegativeCrossentropy`; or `"sigmoid"`, with `FocalCrossentropy`.
        bounding_box_format: Format of boxes given and predicted, one of Keras's.
        min_scale: Size of the anchors of the first feature map, see `ssd_anchors`.
        max_scale: Size of the anchors of the last feature map.
        **kwargs: `name` and others of `keras.Model`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, or `weights` do not fit.

    Example:
        >>> model = SSDMobileNetV2(num_classes=3, image_size=64, alpha=0.35)
        >>> model.compile(keras.optimizers.Adam(1e-3))
        >>> model.output["classes"].shape, model.anchors.shape
        ((None, 160, 4), (160, 4))

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325); [Sandler et al.,
        2018](https://arxiv.org/abs/1801.04381).
    """

    def __init__(
        self,
        num_classes,
        image_size=320,
        alpha=1.0,
        weights=None,
        freeze_batch_norm=None,
        classifier="softmax",
        bounding_box_format="xyxy",
        min_scale=0.15,
        max_scale=0.95,
        **kwargs,
    ):
        check_integer("num_classes", num_classes, 1)
        check_number("alpha", alpha, 0.01)
        check_choice("classifier", classifier, ("softmax", "sigmoid"))
        height, width = _check_size(image_size)
        images = keras.Input((height, width, 3), name="images")
        if freeze_batch_norm is None:
            freeze_batch_norm = weights is not None
        maps = extra_maps(mobile_net_v2(images, alpha, weights, freeze_batch_norm))
        columns = num_classes + (classifier == "softmax")
        outputs = prediction_heads(maps, columns, _PER_CELL, classifier)
        super().__init__(inputs=images, outputs=outputs, **kwargs)
        self.num_classes = num_classes
        self.image_size = image_size
        self.alpha = alpha
        self.freeze_batch_norm = freeze_batch_norm
        self.classifier = classifier
        self.bounding_box_format = bounding_box_format
        self.min_scale = min_scale
        self.max_scale = max_scale
        shapes = [tuple(x.shape[1:3]) for x in maps]
        self.encode_targets = EncodeTargets(
            ssd_anchors(shapes, min_scale, max_scale, extra_scales=[min_scale / 2]),
            (height, width),
            bounding_box_format,
        )
        self._predictor = types.SimpleNamespace(model=None)  # not one of its layers

    @property
    def anchors(self):
        """Float32 array `(anchors, 4)`, as `ssd_anchors` returns it."""
        return self.encode_targets.anchors

    def compile(self, optimizer="adam", loss=None, jit_compile="auto", **kwargs):
        """Configure training, with the losses of the paper unless others are given.

        With TensorFlow on a CPU `jit_compile="auto"` means no: XLA takes minutes to
        compile the step.
        """
        if loss is None:
            softmax = self.classifier == "softmax"
            classes = HardNegativeCrossentropy if softmax else FocalCrossentropy
            loss = {"boxes": BoxLoss(), "classes": classes()}
        if jit_compile == "auto" and _is_tensorflow_on_cpu():
            jit_compile = False
        super().compile(
            optimizer=optimizer, loss=loss, jit_compile=jit_compile, **kwargs
        )

    def compile_from_config(self, config):
        """Compile a model that was saved; Keras leaves this to whoever compiles."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Match boxes to anchors, if that was not done before, and compute the loss."""
        if not isinstance(y, dict) or "boxes" not in y:
            raise ValueError(
                "`y` must be a dict of 'boxes' and 'labels', or what `encode_targets` "
                "returns: call `dataset.map(model.encode_targets)` on the dicts of "
                f"augmentation layers. Received: y of type {type(y).__name__}."
            )
        if "labels" in y:
            y = self.encode_targets.encode(y)
        # Weights of images; for arrays Keras has made a dict like `y` of them.
        if isinstance(sample_weight, dict) and "labels" in sample_weight:
            sample_weight = sample_weight["labels"]
        if sample_weight is not None and not isinstance(sample_weight, dict):
            sample_weight = dict.fromkeys(y_pred, sample_weight)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def fit(self, x=None, y=None, *args, **kwargs):
        """Train as `keras.Model.fit` does, if all labels are those of a class.

        In a dataset they are not looked at: a label that is none makes the loss nan.
        """
        if isinstance(y, dict) and "labels" in y:
            _check_labels(y["labels"], self.num_classes)
        return super().fit(x, y, *args, **kwargs)

    def detector(self, image_size=None, antialias=False, **options):
        """Return a model of raw images that ends in objects, and shares all weights.

        Args:
            image_size: Height and width of its images, or `None` for any: they are
                resized inside. Exporting to a device wants a size.
            antialias: Whether large images are averaged when they are resized, as in
                `predict`. TensorFlow's operation for that compiles neither with XLA nor
                for LiteRT.
            **options: Of `DecodeDetections`: `score_threshold`, `iou_threshold`,
                `max_detections`, `candidates`.
        """
        shape = (None, None) if image_size is None else _check_size(image_size)
        images = keras.Input((*shape, 3), name="images")
        # Not the layer `Resizing`: Keras 3.15.1 passes its default of `training`, true,
        # on to the batch norms (keras-team/keras#23166), in exports too.
        seen = keras.ops.image.resize(
            images, _check_size(self.image_size), antialias=antialias
        )
        decode = DecodeDetections(
            self.anchors, self.classifier, self.bounding_box_format, **options
        )
        return keras.Model(images, decode(self(seen), images), name="detector")

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Return the objects in images, see `DecodeDetections`.

        Args:
            x: Images `(batch, height, width, 3)`, 0 to 255, of any one size, or a
                dataset of batches.
            batch_size: As in `keras.Model.predict`, and so the others.
            verbose: See there.
            steps: See there.
            callbacks: See there.
        """
        if self._predictor.model is None:
            self._predictor.model = self.detector(antialias=True)
            if keras.backend.backend() == "tensorflow":
                self._predictor.model.jit_compile = False  # see `antialias`
        return self._predictor.model.predict(x, batch_size, verbose, steps, callbacks)

    def get_config(self):
        return {
            "num_classes": self.num_classes,
            "image_size": self.image_size,
            "alpha": self.alpha,
            "weights": None,  # a saved model brings its own
            "freeze_batch_norm": self.freeze_batch_norm,
            "classifier": self.classifier,
            "bounding_box_format": self.bounding_box_format,
            "min_scale": self.min_scale,
            "max_scale": self.max_scale,
            "name": self.name,
            "frozen": [layer.name for layer in self.layers if not layer.trainable],
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        frozen = config.pop("frozen")
        model = cls(**config)
        for name in frozen:
            model.get_layer(name).trainable = False
        return model


def _check_labels(labels, num_classes):
    labels = np.asarray(keras.ops.convert_to_numpy(labels))
    if labels.size and not -1 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(
            f"`y['labels']` must be from 0 to {num_classes - 1}, -1 for padding. "
            f"Received: labels from {labels.min()} to {labels.max()}. Do they begin "
            "at 1? Subtract 1."
        )


def _is_tensorflow_on_cpu():
    if keras.backend.backend() != "tensorflow":
        return False
    devices = (keras.distribution.list_devices(kind) for kind in ("gpu", "tpu"))
    return not any(devices)


def _check_size(image_size):
    """Return height and width."""
    sides = image_size if isinstance(image_size, (tuple, list)) else 2 * (image_size,)
    for side in sides:
        check_integer("image_size", side, 32)
    if len(sides) != 2:
        raise ValueError(
            "`image_size` must be one integer or (height, width). "
            f"Received: image_size={image_size!r}."
        )
    return tuple(sides)
