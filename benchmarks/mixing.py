"""MixUp, CutMix and GridMask inside `tf.data`, beside Keras's own layers and a cast.

Every pipeline takes the same batch of uint8 images with one-hot labels and hands over
float32 images: a plain cast is the least that any of them must do, the memory floor.
Keras has no GridMask; its nearest layer, RandomErasing, stands in.

    python benchmarks/mixing.py [--batch-size 32] [--image-size 224] [--repeats 7]
"""

import argparse
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

import keras_tricks as kt

NUM_CLASSES = 100


def cast(images, labels):
    return tf.cast(images, "float32"), labels


def ours(layer):
    return lambda ds: ds.map(layer).map(cast)


def keras_layer(layer):
    def call(images, labels):
        batch = layer({"images": images, "labels": labels})
        return batch["images"], batch["labels"]

    return lambda ds: ds.map(call)


def keras_image_layer(layer):
    return lambda ds: ds.map(lambda images, labels: (layer(images), labels))


# name: (ours, Keras's)
PAIRS = {
    "MixUp": (
        ours(kt.layers.MixUp(alpha=0.2, seed=1)),
        keras_layer(keras.layers.MixUp(alpha=0.2, seed=1)),
    ),
    "CutMix": (
        ours(kt.layers.CutMix(seed=1)),
        keras_layer(keras.layers.CutMix(factor=(1.0, 1.0), seed=1)),
    ),
    "GridMask": (
        ours(kt.layers.GridMask(seed=1)),
        keras_image_layer(keras.layers.RandomErasing(factor=1.0, seed=1)),
    ),
}


def images_per_second(pipeline, batch, seconds=0.7):
    dataset = pipeline(tf.data.Dataset.from_tensors(batch).repeat())
    iterator = iter(dataset)
    for _ in range(3):
        next(iterator)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        next(iterator)
        count += len(batch[0])
    return count / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    shape = (args.batch_size, args.image_size, args.image_size, 3)
    images = tf.constant(rng.integers(0, 256, shape).astype("uint8"))
    labels = tf.one_hot(rng.integers(0, NUM_CLASSES, args.batch_size), NUM_CLASSES)
    batch = (images, labels)

    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, batch {shape}")
    print(f"images per second, median of {args.repeats} runs taken in turn\n")
    print(f"{'':10}{'ours':>9}{'Keras':>9}{'cast':>9}   ours/Keras   cast/ours")
    for name, (our, theirs) in PAIRS.items():
        pipelines = (our, theirs, lambda ds: ds.map(cast))
        runs = [
            [images_per_second(pipeline, batch) for pipeline in pipelines]
            for _ in range(args.repeats)
        ]
        mine, keras_s, floor = (statistics.median(r) for r in zip(*runs, strict=True))
        over_keras = statistics.median(run[0] / run[1] for run in runs)
        from_floor = statistics.median(run[2] / run[0] for run in runs)
        print(
            f"{name:10}{mine:9.0f}{keras_s:9.0f}{floor:9.0f}"
            f"{over_keras:11.1f} x{from_floor:10.2f} x"
        )


if __name__ == "__main__":
    main()
