"""Annotations as they stand in files, and what is left of them once looked at."""

import dataclasses
import math
import pathlib

import numpy as np

from keras_tricks.detection import _problems as found
from keras_tricks.detection._pictures import UPRIGHT, look_at_pictures
from keras_tricks.detection.annotations import Annotations

SLACK = 0.5  # pixels that a box may leave its picture by without mention: rounding


@dataclasses.dataclass
class Record:
    """One picture as a file describes it.

    `objects` are `(class name, four values, difficult or crowd)`, the values as they
    stand in the file; `size` is (height, width) or None.
    """

    path: pathlib.Path
    id: object
    source: str
    size: tuple | None
    objects: list
    xywh: bool = False


def annotations_of(records, class_names, problems, verify, received):
    """Return the `Annotations` that are left of the records; `problems` grows."""
    class_names = check_class_names(class_names)
    looks = look_at_pictures([record.path for record in records], verify)
    rows = []
    for record, look in zip(records, looks, strict=True):
        if isinstance(look, str):
            lost = f"{len(record.objects)} boxes lost"
            problems[found.BROKEN].append(f"{record.path.name}: {look}, {lost}")
            continue
        size, objects = _upright(record, *look, problems)
        objects = _cleaned(record, objects, size, set(class_names), problems)
        rows.append((record, size, objects))
    if not rows:
        raise ValueError(
            f"No annotated picture can be read. Received: {received}.\n"
            + found.tell(problems)
        )
    label = {name: i for i, name in enumerate(class_names)}
    boxes = [[box for _, box, _ in objects] for _, _, objects in rows]
    labels = [[label[name] for name, _, _ in objects] for _, _, objects in rows]
    return Annotations(
        paths=[str(record.path) for record, _, _ in rows],
        boxes=[np.array(b, "float32").reshape(-1, 4) for b in boxes],
        labels=[np.array(x, "int32") for x in labels],
        crowd=[np.array([crowd for *_, crowd in objs], bool) for *_, objs in rows],
        sizes=[size for _, size, _ in rows],
        class_names=class_names,
        problems=dict(problems),
        ids=[record.id for record, _, _ in rows],
    )


def check_class_names(names):
    """Return the names as a list; raise unless they are distinct strings."""
    listed = isinstance(names, (list, tuple))
    if not listed or not all(isinstance(name, str) for name in names):
        raise TypeError(
            f"`class_names` must be a list of strings. Received: class_names={names!r}."
        )
    if len(set(names)) != len(names):
        raise ValueError(
            f"`class_names` must be distinct. Received: class_names={names!r}."
        )
    return [*names]


def _upright(record, stored, orientation, problems):
    """Return the size of the upright picture, and the objects with edges in it."""
    turned = stored[::-1] if orientation in (5, 6, 7, 8) else stored
    objects = [
        (name, values, _edges(values, record.xywh), crowd)
        for name, values, crowd in record.objects
    ]
    if orientation in UPRIGHT:
        text = record.path.name
        if turned != stored == record.size:
            text += " (and its boxes, drawn on the stored pixels)"
            objects = [
                (name, values, edges and _turn(edges, orientation, stored), crowd)
                for name, values, edges, crowd in objects
            ]
        problems[found.TURNED].append(text)
    if record.size is not None and record.size not in (stored, turned):
        text = f"{record.source} says {_by(record.size)}, it is {_by(turned)}"
        boxes = [edges for _, _, edges, _ in objects if edges]
        fits = [
            all(_inside(box, size) for box in boxes) for size in (record.size, turned)
        ]
        other = fits == [True, False]
        problems[found.OTHER_SCALE if other else found.OTHER_SIZE].append(text)
    return turned, objects


def _cleaned(record, objects, size, class_names, problems):
    """Return `(class name, edges, crowd)` of the boxes that can be used."""
    height, width = size
    kept = {}
    for name, values, edges, crowd in objects:
        text = f"{record.source}: {name} {values}"
        if name not in class_names:
            problems[found.UNKNOWN_CLASS].append(text)
            continue
        if edges is None:
            problems[found.NO_NUMBERS].append(text)
            continue
        left, right = sorted(edges[::2])
        top, bottom = sorted(edges[1::2])
        if (left, top, right, bottom) != edges:
            problems[found.SWAPPED].append(text)
        inside = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
        if inside[0] >= inside[2] or inside[1] >= inside[3]:
            problems[found.NO_AREA].append(text)
            continue
        if not _inside((left, top, right, bottom), size):
            problems[found.OUTSIDE].append(f"{text} in {_by(size)}")
        if (name, inside) in kept:
            problems[found.TWICE].append(text)
            continue
        kept[name, inside] = crowd
        if crowd:
            problems[found.CROWD].append(text)
    if not kept:
        problems[found.EMPTY].append(record.path.name)
    return [(name, edges, crowd) for (name, edges), crowd in kept.items()]


def _edges(values, xywh):
    """Return left, top, right and bottom, or None where they are not numbers."""
    try:
        a, b, c, d = (float(value) for value in values)
    except (TypeError, ValueError):
        return None
    edges = (a, b, a + c, b + d) if xywh else (a, b, c, d)
    return edges if all(math.isfinite(edge) for edge in edges) else None


def _turn(edges, orientation, stored):
    """Return edges on the stored pixels as edges on the upright picture."""
    left, top, right, bottom = edges
    height, width = stored
    x, y = (top, bottom), (left, right)  # mirrored at the diagonal
    if orientation in (6, 7):
        x = (height - bottom, height - top)
    if orientation in (7, 8):
        y = (width - right, width - left)
    return (x[0], y[0], x[1], y[1])


def _inside(edges, size):
    height, width = size
    x, y = edges[::2], edges[1::2]
    return (
        min(x) >= -SLACK
        and min(y) >= -SLACK
        and max(x) <= width + SLACK
        and max(y) <= height + SLACK
    )


def _by(size):
    return f"{size[1]}x{size[0]}"
