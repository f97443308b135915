"""What `kt.callbacks.Doctor` costs at its default period, side by side in one fit.

One residual network trains on random images. Its epochs have as many steps as the
period; in every second one the doctor watches, in the others nothing does. Each watched
epoch so holds one look at a fixed batch of as many rows as a training batch, the notes
of every step and one judgment by all rules. The table has medians over the epochs, of
the time on the wall and of the time of the processor: without an accelerator the second
says more on a machine that is not idle. The first 200 steps, with nine looks and the
compilation, are given apart.

On 2 CPU cores, at the defaults, a step takes 17 ms, 26 to 27 of the processor; watching
changed that by -2.2 % and -1.7 %, which is noise. In earlier runs on a busy machine it
added 0.2 to 1.6 % of the processor's time. Like any callback that is called at every
step, it makes Keras wait for each step's logs; that is in both columns.

    python benchmarks/doctor_overhead.py [--batch 16] [--size 16] [--depth 14]
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

import keras_tricks as kt

PERIOD = 200
CLASSES = 10


class EverySecond(keras.callbacks.Callback):
    """Let the doctor see every second epoch, and time all."""

    def __init__(self, doctor):
        super().__init__()
        self.doctor = doctor
        self.seconds = {True: [], False: []}

    def set_params(self, params):
        self.doctor.set_params(params)

    def set_model(self, model):
        self.doctor.set_model(model)

    def on_train_begin(self, logs=None):
        self.doctor.on_train_begin()

    def on_epoch_begin(self, epoch, logs=None):
        self.watching = epoch % 2 == 0
        self.started = clocks()
        if self.watching:
            self.doctor.on_epoch_begin(epoch)

    def on_train_batch_begin(self, batch, logs=None):
        if self.watching:
            self.doctor.on_train_batch_begin(batch)

    def on_train_batch_end(self, batch, logs=None):
        if self.watching:
            self.doctor.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        if self.watching:
            self.doctor.on_epoch_end(epoch, logs)
        self.seconds[self.watching].append(clocks() - self.started)


def clocks():
    return np.array([time.perf_counter(), time.process_time()])


def residual_network(size, depth):
    """Return a ResNet of 6n + 2 layers, as in the paper's section on CIFAR-10."""
    x = image = keras.Input((size, size, 3))
    x = normalized(layers.Conv2D(16, 3, padding="same", use_bias=False)(x))
    for channels in (16, 32, 64):
        for block in range((depth - 2) // 6):
            stride = 2 if block == 0 and channels > 16 else 1
            short = x
            if stride == 2:
                short = layers.Conv2D(channels, 1, 2, use_bias=False)(x)
            x = convolution(channels, stride)(x)
            x = convolution(channels, 1)(normalized(x))
            x = layers.ReLU()(layers.Add()([layers.BatchNormalization()(x), short]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(CLASSES, "softmax")(x))


def convolution(channels, stride):
    return layers.Conv2D(channels, 3, stride, padding="same", use_bias=False)


def normalized(x):
    return layers.ReLU()(layers.BatchNormalization()(x))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=16)
    parser.add_argument("--depth", type=int, default=14)
    parser.add_argument("--epochs", type=int, default=5, help="watched ones")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    rows = PERIOD * arguments.batch
    x = rng.random((rows, arguments.size, arguments.size, 3), dtype="float32")
    y = rng.integers(0, CLASSES, rows)
    model = residual_network(arguments.size, arguments.depth)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        "sparse_categorical_crossentropy",
        jit_compile=False,
    )
    batch = arguments.batch
    doctor = kt.callbacks.Doctor(x=x[:batch], y=y[:batch], period=PERIOD, verbose=0)
    timed = EverySecond(doctor)
    epochs = 2 * (arguments.epochs + 1)
    model.fit(x, y, batch, epochs, verbose=0, callbacks=[timed])
    watched, alone = (timed.seconds[key] for key in (True, False))
    # The first epochs of both compile something.
    alone, watched_later = (
        1000 * np.median(seconds[1:], axis=0) / PERIOD for seconds in (alone, watched)
    )
    print("| milliseconds per step | wall | processor |\n| --- | ---: | ---: |")
    for name, pair in (("alone", alone), ("watched", watched_later)):
        print(f"| {name} | {pair[0]:.2f} | {pair[1]:.2f} |")
    added = 100 * (watched_later / alone - 1)
    print(f"| watching adds | {added[0]:.1f} % | {added[1]:.1f} % |")
    print(f"\nfirst {PERIOD} steps, with nine looks: {watched[0][0]:.1f} s")


if __name__ == "__main__":
    main()
