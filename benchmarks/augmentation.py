"""Every augmentation layer inside `tf.data`, beside the same operation elsewhere.

Prints images per second as a Markdown table. All get the same uint8 images, and all
cores to themselves, in turn:

- cast (to float32, the least a pipeline does), ours, Keras, KerasCV, keras-aug: on
  batches, `dataset.map(layer, num_parallel_calls=cores)`. Ours return uint8, most of
  the others float32.
- torchvision v2 (tensors or PIL), timm, albumentations: one process per core with one
  thread, image by image, MixUp and CutMix batch by batch. To their advantage each is
  handed its own kind of image, and neither the start of the processes nor stacking
  nor sending the batch to the main process is counted.

Settings are equal where a library can express them; comments say what differs.
`--memory` prints instead how the peak resident memory of a process with one of our
layers grows with the batch, beyond that of a process that hands the batch on: output
and intermediate results, in multiples of the batch (Linux).

    pip install keras-cv keras-aug albumentations torchvision timm
    python benchmarks/augmentation.py [--repeats 5] [--only CutMix Mosaic] [--memory]
"""

import argparse
import functools
import importlib.metadata
import itertools
import math
import multiprocessing
import os
import resource
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from augmentation_peers import (
    CORES,
    IN_WORKERS,
    in_tf_data,
    keras_,
    keras_aug,
    keras_cv,
    on_images,
    with_labels,
)

import keras_tricks as kt

SECONDS = 0.5  # of one run; a slow peer finishes the batch it is at
LARGER = {"RandomResizedCrop": 8 / 7}  # size of the input relative to the output
PACKAGES = ("tensorflow", "keras", "keras-cv", "keras-aug", "torch", "torchvision")
PACKAGES += ("pillow", "timm", "albumentations", "opencv-python-headless")
# Large: what XLA needs to compile would hide the memory of a small batch.
MEMORY_BATCHES = (512, 1536)


def cast(size):
    to_float = on_images(lambda images: tf.cast(images, "float32"))
    return dict.fromkeys(pipelines("ours", size), to_float)


def ours(size):
    layers = kt.layers
    tricks = {
        "MixUp": layers.MixUp(),
        "CutMix": layers.CutMix(),
        "MixUpOrCutMix": layers.MixUpOrCutMix(),
        "GridMask": layers.GridMask(probability=1.0),
        "Cutout": layers.Cutout(),
        "HideAndSeek": layers.HideAndSeek(),
        "RandomErasing": layers.RandomErasing(probability=1.0),
        "RandomResizedCrop": layers.RandomResizedCrop(size, size),
        "PadAndCrop": layers.PadAndCrop(),
        "RandAugment": layers.RandAugment(num_ops=2, magnitude=9),
        "AutoAugment": layers.AutoAugment(),
        "TrivialAugment": layers.TrivialAugment(),
        "AugMix": layers.AugMix(),
        "FMix": layers.FMix(),
        "Mosaic": layers.Mosaic(),
    }
    return {name: in_tf_data(layer) for name, layer in tricks.items()}


LIBRARIES = {
    "cast": cast,
    "ours": ours,
    "Keras": keras_,
    "KerasCV": keras_cv,
    "keras-aug": keras_aug,
    **IN_WORKERS,
}


@functools.cache
def pipelines(library, size):
    """Return `{operation: function from images, or a dataset, to one of a step}`."""
    return LIBRARIES[library](size)


def operations(library, size):
    return list(pipelines(library, size))


def batch_shape(operation, batch_size, size):
    side = int(size * LARGER.get(operation, 1))
    return batch_size, side, side, 3


@functools.cache
def started(library, operation, batch_size, size):
    shape = batch_shape(operation, batch_size, size)
    images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    if library not in IN_WORKERS:
        images = tf.data.Dataset.from_tensors(with_labels(images)).repeat()
    step = pipelines(library, size)[operation](images)
    one, *more = (np.stack([np.asarray(x) for x in step()]) for _ in range(3))
    if library != "cast" and all(np.array_equal(one, other) for other in more):
        raise ValueError("three steps gave the same images")
    return step


def work(begin, seconds, *what):
    """Return images per second; all workers start at the time `begin`."""
    step = started(*what)
    time.sleep(max(begin - time.monotonic(), 0))
    steps, start = 0, time.perf_counter()
    while steps == 0 or time.perf_counter() - start < seconds:
        step()
        steps += 1
    return steps * what[2] / (time.perf_counter() - start)


def images_per_second(pool, what, seconds=SECONDS):
    if what[0] not in IN_WORKERS:
        return work(0, seconds, *what)
    begin = time.monotonic() + 0.1
    return sum(pool.starmap(work, [(begin, seconds, *what)] * CORES, chunksize=1))


def speeds(pool, offered, operation, args):
    """Return one dict `{library: images per second}` per repeat."""
    contest = {}
    for library in [name for name in offered if operation in offered[name]]:
        what = (library, operation, args.batch_size, args.image_size)
        try:
            images_per_second(pool, what, seconds=0)  # builds and compiles it
            contest[library] = what
        except Exception as error:  # one peer's fault must not end the run
            print(f"{operation}, {library}: {type(error).__name__}: {error}"[:400])
    return [
        {name: images_per_second(pool, what) for name, what in contest.items()}
        for _ in range(args.repeats)
    ]


def speed_cells(runs, libraries):
    medians = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    best = max({*medians} - {"cast", "ours"}, key=medians.get, default=None)

    def ratio(one, other):
        if not {one, other} <= {*medians}:
            return ""
        return f"{statistics.median(run[one] / run[other] for run in runs):.2f}"

    cells = [f"{medians[name]:,.0f}" if name in medians else "" for name in libraries]
    return [*cells, ratio("ours", best), ratio("ours", "Keras"), ratio("cast", "ours")]


def peak_memory(operation, augmented, batch_size, size):
    """Return the peak of resident memory, in bytes, of the process that calls it."""
    shape = batch_shape(operation, batch_size, size)
    # Made anew in every step: a dataset of one tensor copies it at its start.
    dataset = tf.data.Dataset.range(9).map(
        lambda value: with_labels(tf.fill(shape, tf.cast(value, "uint8")))
    )
    start = pipelines("ours", size)[operation] if augmented else on_images()
    step = start(dataset, calls=None)
    for _ in range(3):
        step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def added_memory(pool, operation, size):
    """Return by how much memory grows with the batch, beyond that of an identity."""

    def growth(augmented):
        what = [(operation, augmented, n, size) for n in MEMORY_BATCHES]
        small, large = (pool.apply(peak_memory, arguments) for arguments in what)
        return large - small

    small, large = (math.prod(batch_shape(operation, n, size)) for n in MEMORY_BATCHES)
    return (growth(True) - growth(False)) / (large - small)


def print_table(titles, rows):
    head = ((" ", *titles), ["---"] * (len(titles) + 1))
    for row in itertools.chain(head, rows):  # a row is printed when it is measured
        print(f"| {' | '.join(row)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--memory", action="store_true")
    args = parser.parse_args()
    found = {d.name.lower(): d.version for d in importlib.metadata.distributions()}
    print(", ".join(f"{name} {found.get(name, 'missing')}" for name in PACKAGES))
    print(f"{CORES} cores, batch {args.batch_size}, size {args.image_size}\n")
    fork = multiprocessing.get_context("fork")  # before TensorFlow starts its threads
    if args.memory:
        with fork.Pool(1, maxtasksperchild=1) as pool:
            names = args.only or pool.apply(operations, ("ours", args.image_size))
            rows = (
                (name, f"{added_memory(pool, name, args.image_size):.2f}")
                for name in names
            )
            return print_table(["added memory / batch"], rows)
    with fork.Pool(CORES) as pool:
        offered = {}
        for library in LIBRARIES:
            run = pool.apply if library in IN_WORKERS else lambda f, what: f(*what)
            try:
                offered[library] = run(operations, (library, args.image_size))
            except ImportError as error:
                print(f"{library}: {error}")
        names = args.only or offered["ours"]
        rows = (
            (name, *speed_cells(speeds(pool, offered, name, args), offered))
            for name in names
        )
        ratios = ["ours / best peer", "ours / Keras", "time / cast's"]
        return print_table([*offered, *ratios], rows)


if __name__ == "__main__":
    main()
