"""Drawn scenes with several birds and their boxes: offline data for detection."""

from dataclasses import replace
from math import hypot

import numpy as np

from keras_tricks._checks import check_integer
from keras_tricks.datasets._bird_drawing import draw_bird
from keras_tricks.datasets._bird_habitats import HABITATS
from keras_tricks.datasets._bird_scenery import (
    draw_background,
    draw_perch,
    draw_strokes,
    light,
    photograph,
)
from keras_tricks.datasets._bird_species import SPECIES
from keras_tricks.datasets._brush import to_picture
from keras_tricks.datasets.birds import individual, random_pose

# One of each family, first those that differ most in colour and form.
SCENE_SPECIES = (
    "black-billed kingfisher",
    "olive warbler",
    "straight-billed wader",
    "crested tit",
    "red-capped finch",
    "bearded wagtail",
    "brown thrush",
)


def bird_scenes(
    num_examples: int = 200,
    num_species: int = 3,
    image_size: int = 320,
    max_birds: int = 4,
    seed: int = 0,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draw scenes with several birds and their boxes, the same for the same arguments.

    A tenth of the scenes shows no bird, the others 1 to `max_birds` of any species.
    Birds measure from about a tenth of the picture to two thirds. The border cuts some
    of them; others sit partly behind leaves or a nearer bird, but never more than half.
    A box is as tight as whole pixels allow, around what can be seen in the picture.

    Look-alikes cannot be told apart at the size of birds in a scene. So, unlike in
    `birds`, the species are the first of `SCENE_SPECIES`, one of each family.

    Species do not depend on the seed: train on one seed, test on another. More examples
    leave the first ones as they are. Nothing is downloaded or stored.

    Args:
        num_examples: Number of scenes. Integer, at least 1.
        num_species: Number of classes, the first of `SCENE_SPECIES`. Integer in
            `[1, len(SCENE_SPECIES)]`.
        image_size: Height and width in pixels. Integer, at least 32.
        max_birds: Most birds in a scene. Integer, at least 1. Beyond about 6 some of
            them find no room and are left out.
        seed: Integer, at least 0. Same seed, same scenes.

    Returns:
        `(images, boxes)`: uint8 (num_examples, image_size, image_size, 3) and a dict of
        `"boxes"`, float32 (num_examples, max_birds, 4), xyxy in pixels, and `"labels"`,
        int32 (num_examples, max_birds). Rows without a bird are -1 and come last.

    Raises:
        TypeError: If an argument is not an integer.
        ValueError: If an argument is out of its range.

    Example:
        >>> images, boxes = bird_scenes(num_examples=2, image_size=64)
        >>> images.shape, boxes["boxes"].shape, boxes["labels"].shape
        ((2, 64, 64, 3), (2, 4, 4), (2, 4))
    """
    check_integer("num_examples", num_examples, 1)
    check_integer("num_species", num_species, 1, len(SCENE_SPECIES))
    check_integer("image_size", image_size, 32)
    check_integer("max_birds", max_birds, 1)
    check_integer("seed", seed)
    images = np.empty((num_examples, image_size, image_size, 3), "uint8")
    boxes = np.full((num_examples, max_birds, 4), -1, "float32")
    labels = np.full((num_examples, max_birds), -1, "int32")
    for index, rng in enumerate(np.random.default_rng(seed).spawn(num_examples)):
        poses = _poses(rng, image_size, max_birds)
        kinds = rng.integers(num_species, size=len(poses))
        images[index], kinds, seen = _scene(rng, kinds, poses, image_size)
        for row, (kind, mask) in enumerate(zip(kinds, seen, strict=True)):
            labels[index, row], boxes[index, row] = kind, _box(mask)
    return images, {"boxes": boxes, "labels": labels}


def _poses(rng, size, max_birds):
    """Return poses that leave each other room, the farthest and smallest first."""
    count = 0 if rng.random() < 0.1 else rng.integers(1, max_birds + 1)
    poses = []
    for _ in range(10 * count):
        pose = _pose(rng, size)
        if all(_have_room(pose, other) for other in poses):
            poses.append(pose)
    return sorted(poses[:count], key=lambda pose: pose.size)


def _pose(rng, size):
    x, y = rng.uniform(0.08 * size, 0.92 * size, 2)
    unit = size * np.exp(rng.uniform(np.log(0.13), np.log(0.55)))
    return replace(random_pose(rng, size), x=x, y=y, size=unit)


def _have_room(one, other):
    return hypot(one.x - other.x, one.y - other.y) > 0.35 * (one.size + other.size)


def _scene(rng, kinds, poses, size):
    """Return a picture, the kinds of its birds and a mask of what is seen of each."""
    plumages = [individual(SPECIES[SCENE_SPECIES[kind]], rng) for kind in kinds]
    canvas = draw_background(rng, size)
    # All perches before all birds: no branch hides a bird.
    for plumage, pose in zip(plumages, poses, strict=True):
        if rng.random() < 0.6:
            draw_perch(canvas, rng, plumage, pose)
    shown, shapes, seen = [], [], []
    for kind, plumage, pose in zip(kinds, plumages, poses, strict=True):
        with_bird = canvas.copy()
        bird = draw_bird(with_bird, plumage, pose)
        left = [mask * (1 - bird) for mask in seen]
        if _mostly_seen(left, shapes):
            canvas, seen = with_bird, [*left, bird]
            shown.append(kind)
            shapes.append(bird)
    with_leaves = canvas.copy()
    in_front = HABITATS[rng.integers(len(HABITATS))]
    leaves = draw_strokes(with_leaves, rng, in_front, rng.integers(12), longest=0.06)
    left = [mask * (1 - leaves) for mask in seen]
    if _mostly_seen(left, shapes):
        canvas, seen = with_leaves, left
    return to_picture(photograph(light(canvas, rng), rng, blurs=2)), shown, seen


def _mostly_seen(masks, shapes):
    pairs = zip(masks, shapes, strict=True)
    return all((mask > 0.5).sum() > 0.5 * (shape > 0.5).sum() for mask, shape in pairs)


def _box(mask):
    rows, columns = (np.flatnonzero(mask.max(axis=axis) > 0.5) for axis in (1, 0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
