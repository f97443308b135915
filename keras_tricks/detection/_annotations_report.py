"""How annotations are told."""

import numpy as np

from keras_tricks.detection import _problems


def report(annotations):
    """Return how many pictures and boxes there are, how large, and the problems."""
    counts = [len(boxes) for boxes in annotations.boxes]
    low, high = min(counts), max(counts)
    lines = [
        f"{many(len(annotations), 'picture')} of {_size_range(annotations.sizes)} "
        f"pixels, {counts.count(0)} without boxes",
        f"{many(sum(counts), 'box')} of {many(len(annotations.class_names), 'class')}"
        f"; {low} to {high} per picture, median {np.median(counts):g}",
    ]
    for label, name in enumerate(annotations.class_names):
        each = [int((labels == label).sum()) for labels in annotations.labels]
        pictures = many(sum(map(bool, each)), "picture")
        lines.append(f"  {name}: {many(sum(each), 'box')} in {pictures}")
    if sum(counts):
        sides = 100 * np.concatenate(_relative_sides(annotations))
        sides = ", ".join(f"{x:.3g}" for x in np.percentile(sides, range(0, 101, 25)))
        lines.append(f"Box sizes: {sides} % of the side (least, quartiles, most)")
    if not annotations.problems:
        return "\n".join([*lines, "No problems"])
    return "\n".join([*lines, "Problems:", _problems.tell(annotations.problems)])


def _relative_sides(annotations):
    """Return for each picture the roots of its boxes' shares of its area."""
    return [
        np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) / np.prod(size))
        for boxes, size in zip(annotations.boxes, annotations.sizes, strict=True)
    ]


def _size_range(sizes):
    low, high = np.min(sizes, axis=0), np.max(sizes, axis=0)
    texts = [f"{width}x{height}" for height, width in (low, high)]
    return " to ".join(dict.fromkeys(texts))


def many(count, noun):
    """Return a count with its noun."""
    plural = noun + ("es" if noun[-1] in "sx" else "s")
    return f"{count} {noun if count == 1 else plural}"
