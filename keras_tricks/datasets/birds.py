"""Drawn birds of several species: offline data for fine-grained classification."""

from dataclasses import replace

import numpy as np

from keras_tricks._checks import check_integer
from keras_tricks.datasets._bird_drawing import Pose, draw_bird
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

BIRD_SPECIES = tuple(SPECIES)


def birds(
    num_examples: int = 1000,
    num_species: int = 8,
    image_size: int = 64,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw labelled pictures of birds, the same for the same arguments.

    Species are look-alikes: most share form and colours with another one and differ in
    a bib, a wing bar, an eye ring, spots or the bill. Pose, individual, habitat, light
    and focus change from picture to picture, and leaves may hide a part. So a small
    network learns a thousand pictures by heart long before it knows the species.

    Species do not depend on the seed: train on one seed, test on another. The picture
    at an index depends only on the seed, `image_size` and its label; more examples
    leave the first ones as they are. Nothing is downloaded or stored.

    Args:
        num_examples: Number of pictures. Integer, at least 1.
        num_species: Number of classes, the first of `BIRD_SPECIES`. Integer in
            `[2, len(BIRD_SPECIES)]`.
        image_size: Height and width in pixels. Integer, at least 16.
        seed: Integer, at least 0. Same seed, same pictures.

    Returns:
        `(images, labels)`: uint8 (num_examples, image_size, image_size, 3) and int64
        (num_examples,). Class counts differ by one at most, in any first part too.

    Raises:
        TypeError: If an argument is not an integer.
        ValueError: If an argument is out of its range.

    Example:
        >>> images, labels = birds(num_examples=12, num_species=4)
        >>> images.shape, images.dtype.name, np.bincount(labels).tolist()
        ((12, 64, 64, 3), 'uint8', [3, 3, 3, 3])
        >>> BIRD_SPECIES[:2]
        ('red-capped finch', 'bar-winged finch')
    """
    check_integer("num_examples", num_examples, 1)
    check_integer("num_species", num_species, 2, len(BIRD_SPECIES))
    check_integer("image_size", image_size, 16)
    check_integer("seed", seed)
    of_labels, *of_images = np.random.default_rng(seed).spawn(num_examples + 1)
    labels = _balanced_labels(of_labels, num_examples, num_species)
    images = np.empty((num_examples, image_size, image_size, 3), "uint8")
    for image, label, rng in zip(images, labels, of_images, strict=True):
        image[:] = _picture(rng, SPECIES[BIRD_SPECIES[label]], image_size)
    return images, labels


def individual(plumage, rng):
    """Return one bird of the species: no two have quite the same colours and form."""
    varied = vars(plumage).copy()
    # As many numbers for every species: what follows in the stream is then the same.
    for name, change in zip(varied, rng.normal(0, 0.05, (len(varied), 3)), strict=True):
        if isinstance(varied[name], float):
            varied[name] *= 1 + float(change[0])
        elif varied[name] is not None:
            varied[name] = tuple(varied[name] + change)
    return replace(plumage, **varied)


def random_pose(rng, size):
    """Return a pose in a square of `size` pixels; the bird may leave it a little."""
    spread_wing = rng.random() < 0.3
    return Pose(
        x=size * rng.uniform(0.32, 0.68),
        y=size * rng.uniform(0.32, 0.68),
        size=size * rng.uniform(0.42, 0.8),
        facing=1 if rng.random() < 0.5 else -1,
        lean=rng.uniform(-0.6, 0.6),
        head=rng.uniform(-0.5, 0.5),
        tail=rng.uniform(-0.5, 0.5),
        wing=rng.uniform(-0.2, 1.6 if spread_wing else 0.2),
    )


def _balanced_labels(rng, num_examples, num_species):
    # Blocks with every class once, each shuffled: the start of the labels is balanced.
    blocks = -(-num_examples // num_species)
    labels = np.tile(np.arange(num_species, dtype="int64"), (blocks, 1))
    return rng.permuted(labels, axis=1).ravel()[:num_examples]


def _picture(rng, plumage, size):
    pose, plumage = random_pose(rng, size), individual(plumage, rng)
    canvas = draw_background(rng, size)
    if rng.random() < 0.7:
        draw_perch(canvas, rng, plumage, pose)
    draw_bird(canvas, plumage, pose)
    in_front = HABITATS[rng.integers(len(HABITATS))]
    draw_strokes(canvas, rng, in_front, rng.integers(8), longest=0.13)
    return to_picture(photograph(light(canvas, rng), rng))
