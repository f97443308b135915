"""What `check_anchors` found, and how it is told."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class AnchorReport:
    """How well anchors cover boxes.

    Attributes:
        boxes: Float32 array `(boxes, 4)`: edges as fractions of the image's sides.
        labels: Integer array `(boxes,)` or None.
        class_names: List of strings or None.
        best_iou: Float array `(boxes,)`.
        positives: Integer array `(boxes,)`: the anchors that are to find each box.
        levels: List of `((rows, columns), anchors, matches)` per feature map; empty if
            unknown.
        threshold: Float.
        image_size: Height and width in pixels, or None.
        suggestions: List of settings that miss fewer boxes, with the `"share"` that
            they miss; None if none were tried.
    """

    boxes: np.ndarray
    labels: np.ndarray | None
    class_names: list | None
    best_iou: np.ndarray
    positives: np.ndarray
    levels: list
    threshold: float
    image_size: int | None
    suggestions: list | None

    @property
    def missed(self):
        """Boolean array `(boxes,)`: which boxes no anchor overlaps enough."""
        return self.best_iou < self.threshold

    @property
    def uncovered(self):
        """The boxes that no anchor overlaps enough, float32 `(missed, 4)`."""
        return self.boxes[self.missed]

    @property
    def share(self):
        """The share of them among all, in [0, 1]."""
        return float(self.missed.mean())

    def __repr__(self):
        return f"AnchorReport({_headline(self)})"

    def __str__(self):
        lines = [_headline(self)]
        if self.missed.any():
            lines += [_shapes(self), *_classes(self), _advice(self)]
        low, middle, high = np.percentile(self.positives, (0, 50, 100))
        lines.append(f"Anchors per box: {low:g} to {high:g}, median {middle:g}.")
        if alone := int((self.positives == 0).sum()):
            lines.append(f"Without any, as another took their best one: {alone}.")
        for (rows, columns), anchors, matches in self.levels:
            share = f"{100 * matches / self.positives.sum():.3g} %"
            lines.append(
                f"  {rows}x{columns} cells, {anchors} anchors: {share} of these"
            )
        return "\n".join(lines)


def _headline(report):
    count, of = int(report.missed.sum()), len(report.boxes)
    return (
        f"{count} of {of} boxes ({100 * report.share:.3g} %) "
        f"{'is' if count == 1 else 'are'} matched by no anchor at IoU "
        f"{report.threshold:g}."
    )


def _shapes(report):
    """Tell how large the missed boxes are and how good their forced anchor is."""
    unit = "pixels" if report.image_size else "% of the side"
    sides = report.uncovered[:, 2:] - report.uncovered[:, :2]
    height, width = report.image_size or (1, 1)
    shape = sides[:, 0] * width / np.maximum(sides[:, 1] * height, 1e-6)
    size = _size(report, report.uncovered)
    return (
        f"They are {_span(size)} {unit} (root of their area; all boxes: "
        f"{_span(_size(report, report.boxes))}), {_span(shape)} times as wide as high. "
        "Each still gets its best anchor, one of IoU "
        f"{_span(report.best_iou[report.missed])}."
    )


def _size(report, boxes):
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.sqrt(np.maximum(area, 0) * np.prod(report.image_size or (100, 100)))


def _classes(report):
    if report.labels is None:
        return []
    texts = []
    for label, name in enumerate(report.class_names):
        of_class = report.labels == label
        if missed := int((report.missed & of_class).sum()):
            texts.append(f"{name} {missed} of {of_class.sum()}")
    return [f"By class: {', '.join(texts)}."]


def _advice(report):
    if report.suggestions is None:
        return "Nothing else was tried: these anchors are not of `ssd_anchors`."
    if not report.suggestions:
        return "No other scales or larger image were found to miss fewer."
    tried = []
    for settings in report.suggestions:
        changes = [f"{k}={settings[k]:g}" for k in ("min_scale", "max_scale")]
        if "times" in settings:
            changes.append(_larger(settings["times"], report.image_size))
        share = f"{100 * settings['share']:.3g} %"
        tried.append(f"{', '.join(changes)} misses about {share}")
    return f"Tried: {'; '.join(tried)}."


def _larger(times, image_size):
    if image_size is None:
        return f"an input {times} times as high and wide"
    height, width = image_size
    return f"an input of {times * height}x{times * width} pixels (height x width)"


def _span(values):
    low, high = (f"{value:.3g}" for value in (np.min(values), np.max(values)))
    return low if low == high else f"{low} to {high}"
