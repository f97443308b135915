"""From the outputs of a network at every anchor to the objects of an image."""

import keras
from keras import ops

from keras_tricks._checks import check_choice, check_integer, check_number
from keras_tricks.detection.decode_boxes import decode_boxes
from keras_tricks.detection.non_max_suppression import non_max_suppression
from keras_tricks.layers._boxes import FORMATS


@keras.saving.register_keras_serializable(package="keras_tricks")
class DecodeDetections(keras.layers.Layer):
    """Turn codes and logits into boxes, scores and classes, the best first.

    The best `candidates` pairs of an anchor and a class go through non-maximum
    suppression, every class on its own; the best `max_detections` of what is left are
    returned. All shapes are fixed, so that it compiles with XLA and exports.

    Call with a dict of `boxes`, codes `(batch, anchors, 4)`, and `classes`, logits
    `(batch, anchors, classes)` of a sigmoid or `(batch, anchors, classes + 1)` of a
    softmax whose last column is background; and with the images, for their size.

    Returns a dict of `boxes`, float32 `(batch, max_detections, 4)`, `scores`, float32
    `(batch, max_detections)`, and `classes`, int32 `(batch, max_detections)`. Where
    there are fewer objects the class is -1, score and box are 0.

    Args:
        anchors: Float array `(anchors, 4)`: x and y of the centre, width and height,
            as fractions of the image's sides.
        classifier: `"softmax"` or `"sigmoid"`.
        bounding_box_format: Format of the boxes, one of Keras's.
        score_threshold: Least score of an object. Float in [0, 1]. Low, as here, for
            measuring the average precision; about 0.5 for showing.
        iou_threshold: Intersection over union above which the worse of two boxes of one
            class goes. Float in [0, 1].
        max_detections: Objects to return per image. Integer, at least 1.
        candidates: Pairs of an anchor and a class that are looked at. Integer, at least
            `max_detections`.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> decode = DecodeDetections([[0.5, 0.5, 0.2, 0.4]], "sigmoid")
        >>> outputs = {"boxes": np.zeros((1, 1, 4)), "classes": np.ones((1, 1, 1))}
        >>> found = decode(outputs, np.zeros((1, 100, 50, 3)))
        >>> np.array(found["boxes"])[0, 0].round().tolist(), found["boxes"].shape[1:]
        ([20.0, 30.0, 30.0, 70.0], TensorShape([100, 4]))

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325).
    """

    def __init__(
        self,
        anchors,
        classifier="softmax",
        bounding_box_format="xyxy",
        score_threshold=0.01,
        iou_threshold=0.5,
        max_detections=100,
        candidates=400,
        **kwargs,
    ):
        # float16 codes and scores under a mixed policy would move boxes and ranks.
        super().__init__(autocast=False, **kwargs)
        check_choice("classifier", classifier, ("softmax", "sigmoid"))
        check_choice("bounding_box_format", bounding_box_format, FORMATS)
        check_number("score_threshold", score_threshold, 0, 1)
        check_number("iou_threshold", iou_threshold, 0, 1)
        check_integer("max_detections", max_detections, 1)
        check_integer("candidates", candidates, max_detections)
        self.anchors = [[float(x) for x in anchor] for anchor in anchors]
        self.classifier = classifier
        self.bounding_box_format = bounding_box_format
        self.score_threshold = score_threshold
        self.iou_threshold = iou_threshold
        self.max_detections = max_detections
        self.candidates = candidates

    def call(self, outputs, images):
        scores, anchor, classes = self._candidates(outputs["classes"])
        codes = ops.cast(outputs["boxes"], "float32")
        codes = ops.take_along_axis(codes, anchor[..., None], axis=1)
        anchors = ops.convert_to_tensor(self.anchors, "float32")
        boxes = decode_boxes(codes, ops.take(anchors, anchor, axis=0))
        boxes = ops.clip(boxes, 0.0, 1.0)  # (batch, candidates, 4)
        kept = non_max_suppression(
            boxes, scores > self.score_threshold, classes, self.iou_threshold
        )
        return self._best(kept, boxes, scores, classes, ops.shape(images)[1:3])

    def _candidates(self, logits):
        """Return score, anchor and class of the best pairs, `(batch, candidates)`."""
        logits = ops.cast(logits, "float32")
        if self.classifier == "softmax":
            scores = ops.softmax(logits, axis=-1)[..., :-1]
        else:
            scores = ops.sigmoid(logits)
        num_classes = scores.shape[2]
        scores = ops.reshape(scores, (-1, scores.shape[1] * num_classes))
        scores, index = ops.top_k(scores, min(self.candidates, scores.shape[1]))
        return scores, index // num_classes, ops.cast(index % num_classes, "int32")

    def _best(self, kept, boxes, scores, classes, image_size):
        """Return the best detections of what was kept."""
        missing = max(0, self.max_detections - scores.shape[1])
        scores = ops.pad(ops.where(kept, scores, 0.0), [[0, 0], [0, missing]])
        scores, index = ops.top_k(scores, self.max_detections)
        index = ops.minimum(index, classes.shape[1] - 1)  # of what was padded
        found = scores > 0
        classes = ops.take_along_axis(classes, index, axis=1)
        boxes = ops.take_along_axis(boxes, index[..., None], axis=1)
        boxes = keras.utils.bounding_boxes.convert_format(
            boxes, "rel_xyxy", self.bounding_box_format, *image_size
        )
        return {
            "boxes": ops.where(found[..., None], boxes, 0.0),
            "scores": scores,
            "classes": ops.where(found, classes, -1),
        }

    def get_config(self):
        return {
            **super().get_config(),
            "anchors": self.anchors,
            "classifier": self.classifier,
            "bounding_box_format": self.bounding_box_format,
            "score_threshold": self.score_threshold,
            "iou_threshold": self.iou_threshold,
            "max_detections": self.max_detections,
            "candidates": self.candidates,
        }
