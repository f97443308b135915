import math
import sys

import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

Metric = kt.detection.MeanAveragePrecision
NAMES = ("map", "map50", "map75", "map_small", "map_medium", "map_large", "recall_100")
THRESHOLDS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
AREAS = {"": (0, 1e10), "_small": (0, 1024), "_medium": (1024, 9216)}
AREAS["_large"] = (9216, 1e10)


def random_batch(seed, images=5, classes=3, objects=6, found=12, crowd=0.15):
    """Return padded truth and detections that partly agree, boxes in xyxy pixels."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 200, (images, objects, 2))
    size = np.exp(rng.uniform(2.5, 5.3, (images, objects, 2)))
    boxes = np.concatenate([corner, corner + size], -1).astype("float32")
    labels = rng.integers(0, classes, (images, objects))
    pick = rng.integers(0, objects, (images, found))
    noise = rng.normal(0, 1, (images, found, 4)) * rng.uniform(0, 4, (images, found, 1))
    near = np.take_along_axis(boxes, pick[..., None], 1) + noise
    near = np.concatenate(
        [near[..., :2], np.maximum(near[..., 2:], near[..., :2] + 1)], -1
    )
    kinds = np.take_along_axis(labels, pick, 1)
    kinds = np.where(rng.random((images, found)) < 0.8, kinds, (kinds + 1) % classes)
    # Of 25 values, so that some scores are equal.
    scores = rng.integers(1, 25, (images, found)) / 25
    labels[rng.random((images, objects)) < 0.2] = -1
    kinds[rng.random((images, found)) < 0.2] = -1
    marked = rng.random((images, objects)) < crowd
    truth = {"boxes": boxes, "labels": labels, "crowd": marked}
    return truth, {
        "boxes": near.astype("float32"),
        "scores": scores.astype("float32"),
        "classes": kinds,
    }


def overlap(box, other, crowd):
    size = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    common = np.prod(np.maximum(size, 0))
    area, others = (np.prod(b[2:] - b[:2]) for b in (box, other))
    return common / (area if crowd else area + others - common)


def matches(boxes, objects, crowd, ignored, threshold):
    """Return for each detection, the surest first, its object or -1."""
    free, matched = [True] * len(objects), []
    for box in boxes:
        ious = [overlap(box, o, c) for o, c in zip(objects, crowd, strict=True)]
        best = -1
        # An object that counts goes before one that does not.
        for wanted in (False, True):
            for i, iou in enumerate(ious):
                usable = free[i] or crowd[i]
                if ignored[i] != wanted or not usable or iou < threshold:
                    continue
                if best == -1 or ignored[best] != wanted or iou >= ious[best]:
                    best = i
            if best >= 0:
                break
        matched.append(best)
        if best >= 0:
            free[best] = False
    return matched


def average_precision(batches, label, threshold, area):
    """AP at 101 recalls and recall of a class, as defined; nan without objects."""
    scores, right, total = [], [], 0
    for truth, found in batches:
        for i in range(len(truth["boxes"])):
            mine = truth["labels"][i] == label
            objects = truth["boxes"][i][mine].astype("float64")
            crowd = truth["crowd"][i][mine]
            sizes = np.prod(objects[:, 2:] - objects[:, :2], -1)
            ignored = crowd | (sizes < area[0]) | (sizes > area[1])
            total += (~ignored).sum()
            theirs = np.flatnonzero(found["classes"][i] == label)
            theirs = theirs[np.argsort(-found["scores"][i][theirs], kind="stable")]
            boxes = found["boxes"][i][theirs].astype("float64")
            matched = matches(boxes, objects, crowd, ignored, threshold)
            for k, match in enumerate(matched):
                size = np.prod(boxes[k, 2:] - boxes[k, :2])
                outside = size < area[0] or size > area[1]
                if not (outside if match < 0 else ignored[match]):
                    scores.append(found["scores"][i][theirs[k]])
                    right.append(match >= 0)
    if not total:
        return math.nan, math.nan
    right = np.array(right, bool)[np.argsort(-np.array(scores), kind="stable")]
    recall = np.cumsum(right) / total
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    highest = [max(precision[recall >= r], default=0) for r in np.linspace(0, 1, 101)]
    return np.mean(highest), max(recall, default=0)


def expected_result(batches, classes):
    """Return the dict of the metric and a table (classes, thresholds)."""
    table = {
        area: np.array(
            [
                [average_precision(batches, c, t, limits) for t in THRESHOLDS]
                for c in range(classes)
            ]
        )
        for area, limits in AREAS.items()
    }
    result = {f"map{area}": np.nanmean(table[area][..., 0]) for area in AREAS}
    ap, recall = np.moveaxis(table[""], -1, 0)
    result |= {"map50": np.nanmean(ap[:, 0]), "map75": np.nanmean(ap[:, 5])}
    return {**result, "recall_100": np.nanmean(recall)}, ap


def measured(batches, **arguments):
    metric = Metric(**arguments)
    for truth, found in batches:
        metric.update_state(truth, found)
    return metric


def boxes(*values):
    return np.array([values], "float32").reshape(1, -1, 4)


def one_image(truth, found, scores=None, labels=None, classes=None, crowd=None):
    zeros = np.zeros((1, len(truth)), int)
    batch = {"boxes": boxes(*truth), "labels": zeros if labels is None else [labels]}
    if crowd is not None:
        batch["crowd"] = np.array([crowd])
    return {key: np.asarray(value) for key, value in batch.items()}, {
        "boxes": boxes(*found),
        "scores": np.array([scores or np.linspace(0.9, 0.1, len(found))]),
        "classes": np.array([classes or [0] * len(found)]).reshape(1, -1),
    }


def assert_same(result, expected):
    assert set(result) == set(NAMES)
    for name in NAMES:
        assert isinstance(result[name], float)
        assert result[name] == pytest.approx(expected[name], abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_sets_equal_the_definition(seed):
    batches = [random_batch(10 * seed + i) for i in range(2)]
    metric = measured(batches)
    result, table = expected_result(batches, 3)
    assert_same(metric.result(), result)
    assert 0.05 < result["map"] < 0.9
    per_class = metric.per_class()
    assert list(per_class) == [0, 1, 2]
    for label, line in zip(range(3), per_class.values(), strict=True):
        assert line["ap"] == pytest.approx(table[label].mean())
        assert line["ap50"] == pytest.approx(table[label, 0])
        counted = [(t["labels"] == label) & ~t["crowd"] for t, _ in batches]
        assert line["objects"] == np.sum(counted)


@pytest.mark.reference
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_sets_equal_pycocotools(seed, capsys):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = random_batch(seed, images=30, classes=7, objects=20, found=130)
    coco = {"truth": [], "found": []}
    for i in range(30):
        for which, part, label, value, key in (
            ("truth", truth, "labels", "crowd", "iscrowd"),
            ("found", found, "classes", "scores", "score"),
        ):
            for box, c, v in zip(
                part["boxes"][i], part[label][i], part[value][i], strict=True
            ):
                if c == -1:
                    continue
                left, top = box[:2].tolist()
                width, height = (box[2:] - box[:2]).tolist()
                coco[which].append(
                    {
                        "id": len(coco[which]) + 1,
                        "image_id": i,
                        "category_id": int(c) + 1,
                        "bbox": [left, top, width, height],
                        "area": width * height,
                        "iscrowd": 0,
                        key: float(v),
                    }
                )
    sides = []
    for annotations in coco.values():
        side = COCO()
        side.dataset = {
            "images": [{"id": i} for i in range(30)],
            "categories": [{"id": c + 1} for c in range(7)],
            "annotations": annotations,
        }
        side.createIndex()
        sides.append(side)
    evaluation = COCOeval(*sides, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    places = (*range(6), 8)
    expected = dict(zip(NAMES, evaluation.stats[list(places)], strict=True))
    capsys.readouterr()
    assert_same(measured([(truth, found)]).result(), expected)
    assert capsys.readouterr() == ("", "")


def test_perfect_detections_score_1_and_none_score_0():
    truth = [(0, 0, 20, 20), (30, 30, 80, 80), (0, 0, 200, 200)]
    perfect = measured([one_image(truth, truth)]).result()
    assert perfect == dict.fromkeys(NAMES, 1.0)
    assert measured([one_image(truth, [])]).result() == dict.fromkeys(NAMES, 0.0)


def test_class_0_counts():
    both = [(0, 0, 40, 40), (50, 0, 90, 40)]
    batch = one_image(both, both[1:], labels=[0, 1], classes=[1])
    metric = measured([batch])
    assert metric.result()["map"] == 0.5
    assert [line["ap"] for line in metric.per_class().values()] == [0.0, 1.0]


def test_nothing_at_all_is_nan():
    metric = Metric()
    for _ in range(2):
        assert_same(metric.result(), dict.fromkeys(NAMES, math.nan))
        assert metric.per_class() == {}
        metric.update_state(*one_image([], []))  # an image without objects
    metric.update_state(*one_image([], [(0, 0, 9, 9)]))
    assert_same(metric.result(), dict.fromkeys(NAMES, math.nan))


def test_class_without_objects_enters_no_mean():
    box = (0, 0, 40, 40)
    batch = one_image([box], [box, box], [0.5, 0.9], labels=[1], classes=[1, 2])
    metric = measured([batch], class_names=["wren", "robin", "tit"])
    result = metric.result()
    assert result["map"] == result["map_medium"] == 1
    assert math.isnan(result["map_small"])
    assert math.isnan(result["map_large"])
    table = metric.per_class()
    assert list(table) == ["wren", "robin", "tit"]
    assert table["robin"] == {"ap": 1.0, "ap50": 1.0, "objects": 1}
    for name in ("wren", "tit"):
        assert table[name] == {
            "ap": pytest.approx(math.nan, nan_ok=True),
            "ap50": pytest.approx(math.nan, nan_ok=True),
            "objects": 0,
        }


def test_objects_in_an_image_without_objects_are_wrong():
    box = (0, 0, 40, 40)
    right, wrong = one_image([box], [box], [0.5]), one_image([], [box], [0.9])
    assert measured([right]).result()["map"] == 1
    assert measured([right, wrong]).result()["map"] == 0.5


def test_crowd_is_neither_missed_nor_wrong():
    box, region = (0, 0, 40, 40), (100, 100, 300, 300)
    inside = [(120, 120, 160, 160), (200, 200, 240, 240)]
    truth, found = one_image([box, region], [*inside, box], crowd=[False, True])
    assert measured([(truth, found)]).result()["map"] == 1
    missed = one_image([box, region], [box], crowd=[False, True])
    assert measured([missed]).result()["recall_100"] == 1
    del truth["crowd"]
    assert measured([(truth, found)]).result()["map"] < 0.5
    only = measured([one_image([region], inside, crowd=[True])])
    assert_same(only.result(), dict.fromkeys(NAMES, math.nan))


def test_more_than_100_detections_of_a_class_do_not_count():
    box, elsewhere = (0, 0, 40, 40), (50, 50, 90, 90)
    scores = [*np.linspace(0.9, 0.5, 100), 0.1]
    batch = one_image([box], [*[elsewhere] * 100, box], scores)
    assert measured([batch]).result()["recall_100"] == 0
    batch = one_image([box], [*[elsewhere] * 99, box], scores[1:])
    assert measured([batch]).result()["recall_100"] == 1


@pytest.mark.parametrize(
    "form", ["yxyx", "xywh", "center_xywh", "rel_xyxy", "rel_yxyx", "rel_center_xywh"]
)
def test_every_format_gives_the_same(form):
    truth, found = random_batch(3)
    expected = measured([(truth, found)]).result()
    size = (300, 400)

    def converted(batch):
        values = keras.utils.bounding_boxes.convert_format(
            batch["boxes"], "xyxy", form, *size
        )
        return {**batch, "boxes": values}

    batch = converted(truth), converted(found)
    metric = measured([batch], bounding_box_format=form, image_size=size)
    for name, value in metric.result().items():
        assert value == pytest.approx(expected[name], abs=1e-3)
    if form.startswith("rel"):
        result = measured([batch], bounding_box_format=form).result()
        for name in ("map", "map50", "map75", "recall_100"):
            assert result[name] == pytest.approx(expected[name], abs=1e-3)
        for name in ("map_small", "map_medium", "map_large"):
            assert math.isnan(result[name])


def test_padding_batches_and_order_change_nothing():
    truth, found = random_batch(4, images=6)
    found["scores"] += np.arange(72).reshape(6, 12) / 10000  # no equal scores
    expected = measured([(truth, found)])
    split = [
        (
            {k: v[i : i + 2] for k, v in truth.items()},
            {k: v[i : i + 2] for k, v in found.items()},
        )
        for i in (4, 2, 0)
    ]
    assert_same(measured(split).result(), expected.result())
    wider = {
        "boxes": np.pad(truth["boxes"], [(0, 0), (0, 2), (0, 0)], constant_values=-1),
        "labels": np.pad(truth["labels"], [(0, 0), (0, 2)], constant_values=-1),
        "crowd": np.pad(truth["crowd"], [(0, 0), (0, 2)]),
    }
    tensors = {key: ops.convert_to_tensor(value) for key, value in found.items()}
    assert_same(measured([(wider, tensors)]).result(), expected.result())


def test_ragged_boxes():
    tf = pytest.importorskip("tensorflow")
    truth = {
        "boxes": tf.ragged.constant([[[0.0, 0, 9, 9]], []], ragged_rank=1),
        "labels": tf.ragged.constant([[1], []], dtype="int32"),
    }
    found = {"boxes": truth["boxes"], "classes": truth["labels"]}
    found["scores"] = tf.ragged.constant([[0.5], []])
    metric = measured([(truth, found)])
    assert metric.result()["map"] == 1
    assert metric.per_class() == {1: {"ap": 1.0, "ap50": 1.0, "objects": 1}}


def test_reset_and_result_between_batches():
    box = (0, 0, 40, 40)
    metric = measured([one_image([box], [box])])
    assert metric.result()["map"] == 1
    metric.update_state(*one_image([box], []))
    assert metric.result()["map"] == pytest.approx(51 / 101)  # recalls up to a half
    metric.reset_state()
    assert math.isnan(metric.result()["map"])
    metric.update_state(*one_image([box], []))
    assert metric.result()["map"] == 0


def test_survives_saving():
    metric = Metric("rel_xywh", ["wren"], (300, 400), name="m")
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(metric)
    )
    assert again.get_config() == metric.get_config()
    assert again.name == "m"
    assert (again.bounding_box_format, again.image_size) == ("rel_xywh", (300, 400))
    assert again.class_names == ["wren"]


def test_compiled_graph_is_refused_with_the_way_out():
    tf = pytest.importorskip("tensorflow")
    truth, found = one_image([(0, 0, 9, 9)], [(0, 0, 9, 9)])
    if keras.backend.backend() == "tensorflow":
        metric = Metric()
        with pytest.raises(RuntimeError, match="callback `CocoEvaluation`"):
            tf.function(
                lambda: metric.update_state(
                    tf.nest.map_structure(tf.constant, truth),
                    tf.nest.map_structure(tf.constant, found),
                )
            )()
    symbolic = {key: keras.KerasTensor(value.shape) for key, value in truth.items()}
    with pytest.raises(RuntimeError, match="callback `CocoEvaluation`"):
        Metric().update_state(symbolic, found)


def test_metric_of_compile_is_refused_with_the_way_out():
    inputs = keras.Input((4,))
    outputs = {"boxes": keras.layers.Dense(4)(inputs)}
    model = keras.Model(inputs, outputs)
    model.compile(loss="mse", metrics={"boxes": Metric()})
    x = np.zeros((2, 4))
    with pytest.raises(TypeError, match="callback `CocoEvaluation`"):
        model.evaluate(x, {"boxes": x}, verbose=0)


def test_bad_arguments_are_refused():
    for arguments, message in (
        (
            {"bounding_box_format": "xxyy"},
            "`bounding_box_format` must be one of 'xyxy'",
        ),
        ({"image_size": (0, 9)}, "`image_size` must be at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            Metric(**arguments)


def test_bad_batches_are_refused():
    box = (0, 0, 9, 9)
    truth, found = one_image([box], [box])
    for y_true, y_pred, error, message in (
        (truth["boxes"], found, TypeError, "`y_true` must be .* Received: ndarray"),
        (truth, truth, TypeError, r"`y_pred` must be .*'classes', 'scores'"),
        (
            {**truth, "labels": [0]},
            found,
            ValueError,
            r"`y_true` must .*'labels': \(1,",
        ),
        (
            truth,
            one_image([box], [box] * 2)[1] | {"scores": found["scores"]},
            ValueError,
            r"`y_pred` must .*'scores': \(1, 1\)",
        ),
        (
            {k: np.repeat(v, 2, 0) for k, v in truth.items()},
            found,
            ValueError,
            "same images. Received: 2 and 1",
        ),
        (truth, {**found, "scores": [[math.nan]]}, ValueError, "has training diverged"),
        (
            truth,
            {**found, "classes": np.array([[2]])},
            ValueError,
            "Received: 2 names and the class 2",
        ),
    ):
        with pytest.raises(error, match=message):
            Metric(class_names=["wren", "robin"]).update_state(y_true, y_pred)


def test_weights_are_refused():
    with pytest.raises(ValueError, match="no `sample_weight`"):
        Metric().update_state(*one_image([], []), sample_weight=np.ones(1))


def test_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-tricks\[detection\]'"):
        Metric().result()
