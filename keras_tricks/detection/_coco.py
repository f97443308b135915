"""Rows of boxes through the COCO evaluator of faster-coco-eval."""

import math

import numpy as np

SIZES = ("all", "small", "medium", "large")  # in the evaluator's order
_DETECTIONS = 100  # of a class in an image, COCO's number


def evaluate(objects, detections, images):
    """Return classes, objects of each, precision and recall.

    The last two are of shape (thresholds, classes, sizes), nan without objects.
    """
    COCO, COCOeval = _evaluator()  # noqa: N806
    labels = objects[:, 1].astype(int)
    classes = np.unique(labels)
    if not len(classes):
        nothing = np.full((10, 0, len(SIZES)), math.nan)
        return classes, [], nothing, nothing
    ids = [{"id": i} for i in range(images)], [{"id": int(c)} for c in classes]
    evaluator = COCOeval(
        COCO(_annotations(objects, "iscrowd", *ids), print_function=_silent),
        COCO(_annotations(detections, "score", *ids), print_function=_silent),
        "bbox",
        print_function=_silent,
    )
    evaluator.params.maxDets = [_DETECTIONS]
    evaluator.evaluate()
    evaluator.accumulate()
    # (thresholds, 101 recalls, classes, sizes, 1), -1 without objects
    precision = evaluator.eval["precision"][..., 0].mean(1)
    recall = evaluator.eval["recall"][..., 0]
    counts = [int(sum(objects[labels == c, 6] == 0)) for c in classes]
    absent = recall < 0
    return (
        classes.tolist(),
        counts,
        np.where(absent, math.nan, precision),
        np.where(absent, math.nan, recall),
    )


def _annotations(rows, value, images, categories):
    """Return rows in the form of a COCO file."""
    annotations = []
    # An id of 0 would mean "not matched".
    for number, (image, label, *box, last) in enumerate(rows.tolist(), 1):
        annotation = {"id": number, "image_id": int(image), "category_id": int(label)}
        annotation |= {"bbox": box, "area": box[2] * box[3], "iscrowd": 0, value: last}
        annotations.append(annotation)
    return {"images": images, "categories": categories, "annotations": annotations}


def _evaluator():
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError as error:
        raise ImportError(
            "MeanAveragePrecision needs faster-coco-eval: "
            "pip install 'keras-tricks[detection]'"
        ) from error
    return COCO, COCOeval_faster


def _silent(*_):
    pass
