"""Find out why a regression network does not learn, one step after the other.

    python examples/doctor_regression.py

A network is to say where a drawn star is, and how wide, from counts of photons among
which particles leave marks a thousand times brighter. It has four faults at once: the
range of its inputs, initial weights of variance 1, a rate of 1 for Adam, and batch
norm, which hides the second. The example goes the way that was gone by hand once,
trains at each stop, and asks the doctor at some of them. Mean square error in pixels
squared, of the first step and over the last tenth, 128 images, 240 steps with seed 0
(280, `--epochs 70`, with seed 1):

                                          seed 0               seed 1
    as it was found                     45 -> 5.4            42 -> 5.7
    outputs clipped                     20 -> 32             20 -> 37
    lower rate that decays, one image  2.8 -> 2.1           7.3 -> 6.3
    the same, decay later              2.8 -> 0.85          7.3 -> 4.1
    all images, no decay, tanh(x / C)   53 -> 0.94           46 -> 0.73
    no batch norm                     9e19 -> nan          3e20 -> nan (third step)
    and variance scaling, two images   8.3 -> 2e-11         9.2 -> 9e-13
    the same, all images               7.4 -> 0.0033        7.7 -> 0.0013
    a tenth of the rate at the end     7.4 -> 0.0012        7.7 -> 0.0005
    rate times 0.9995 at each step     7.4 -> 0.38          7.7 -> 0.52
    rate times 0.999995                7.4 -> 0.0032        7.7 -> 0.0007

The best constant output has 5.5 and 5.7: as it was found, the network learns nothing.
Clipped outputs look calmer and are stuck at their limits. With one image, batch norm
behind a dense layer returns zeros and only the last bias learns, as far as the rate
lets it. Batch norm kept the weights' variance from showing: without it the loss is
1e20. With weights scaled by their fan-in and inputs in (0, 1) nothing else is needed;
two images are learnt by heart, by eleven orders of magnitude. A last part at a
tenth of the rate helps; a decay as slow as the last differs from none by less than the
noise between seeds.

The factors per step stand for runs a hundred times as long as ours (`LONGER`), which is
a guess, and the power of it is taken.

What the doctor says. As it was found: input-scale and init-scale, and on an idle
machine, where it gets to the end of the plan, bn-stale-stats as the error; the rate of
1 it does not name, since at no other rate does this network learn. One image:
OverfitOneSample passes, since it does not let the rate decay. No batch norm: init-scale
and too-deep (errors), and nan-loss (error) while it trains. Rate times 0.9995: lr-decay
(warning).

115 seconds on 2 CPU cores, and 9 to start. TensorFlow 2.21, Keras 3.15.1.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

import keras_tricks as kt

# Photons on 16 x 16 pixels, among them a star whose row, column and width are asked.
SIZE, IMAGES, BATCH = 16, 128, 32
LOWEST, HIGHEST = (-5, -5, 1), (5, 5, 3)  # of the targets, in pixels
SKY, PEAK = 100, 1e5  # photons
STRUCK, BRIGHTEST = 0.01, 1.4e8  # share of pixels that a particle strikes; its photons
WIDTHS = ((8,), (16, 16, 16), (32, 32, 32, 32), (128, 128, 128))
LIMIT = 6  # what outputs are clipped to: no target is beyond it
RATE = 2e-3
# The rates of the story decay per step of a run that must have been far longer.
LONGER = 100


@dataclasses.dataclass(frozen=True)
class Stage:
    """One training of the story, by what it has."""

    change: str
    rate: object = 1.0
    images: int = IMAGES
    clip: bool = False
    squash: bool = False
    batch_norm: bool = True
    variance_scaling: bool = False
    diagnose: bool = False  # before it trains
    watch: bool = False  # while it trains
    memorize: bool = False  # one image, in between


def stages(steps):
    """Return the story as a dict of trainings, each of so many steps."""
    lower = [5 * RATE, RATE / 2, RATE / 20]
    early = kt.schedules.Piecewise([0.05, 0.5], lower, steps)
    late = kt.schedules.Piecewise([0.33, 0.83], lower, steps)
    end = kt.schedules.Piecewise([0.8], [RATE, RATE / 10], steps)
    decay = keras.optimizers.schedules.ExponentialDecay
    fast, slow = (decay(RATE, 1, r**LONGER) for r in (0.9995, 0.999995))
    cured = {"squash": True, "batch_norm": False, "variance_scaling": True}
    look = {"diagnose": True}
    return {
        "found": Stage("as it was found", **look),
        "clipped": Stage("outputs clipped", clip=True),
        "one": Stage("lower rate that decays, one image", early, 1, memorize=True),
        "later": Stage("the same, decay later", late, 1),
        "squashed": Stage("all, no decay, tanh(x / C)", 5 * RATE, squash=True),
        "bare": Stage(
            "no batch norm", RATE, squash=True, batch_norm=False, watch=True, **look
        ),
        "two": Stage("and variance scaling, two images", RATE, 2, **cured),
        "all": Stage("the same, all images", RATE, **cured),
        "lowered": Stage("a tenth of the rate at the end", end, **cured),
        "fast": Stage("rate times 0.9995 at each step", fast, **cured, **look),
        "slow": Stage("rate times 0.999995", slow, **cured),
    }


# Data


def draw(seed):
    """Return counts of photons `(images, 16, 16, 1)` and targets `(images, 3)`."""
    rng = np.random.default_rng(seed)
    targets = rng.uniform(LOWEST, HIGHEST, (IMAGES, 3)).astype("float32")
    row, column, width = targets.T[..., None, None]  # each (images, 1, 1)
    pixels = np.arange(SIZE) - (SIZE - 1) / 2
    distance = (pixels[:, None] - row) ** 2 + (pixels - column) ** 2
    peak = PEAK * 10 ** rng.normal(0, 0.3, (IMAGES, 1, 1))
    photons = rng.poisson(SKY + peak * np.exp(-distance / (2 * width**2)))
    struck = rng.random(photons.shape) < STRUCK
    particles = 10 ** rng.uniform(6, np.log10(BRIGHTEST), photons.shape)
    return np.where(struck, particles, photons)[..., None].astype("float32"), targets


# Model


def build(stage):
    """Return convolutions in three resolutions, dense layers and three outputs."""
    stack = [keras.Input((SIZE, SIZE, 1))]
    stack += [kt.layers.Squash(PEAK)] if stage.squash else []
    *resolutions, dense = WIDTHS
    for i, widths in enumerate(resolutions):
        stack += [keras.layers.MaxPooling2D(2)] if i else []
        for width in widths:
            stack += block(stage, keras.layers.Conv2D, width, 3, padding="same")
    stack += [keras.layers.Flatten()]
    for width in dense:
        stack += block(stage, keras.layers.Dense, width)
    stack += [keras.layers.Dense(3, kernel_initializer=initializer(stage))]
    if stage.clip:
        clip = keras.layers.Lambda(lambda x: keras.ops.clip(x, -LIMIT, LIMIT))
        stack += [clip]
    return keras.Sequential(stack)


def block(stage, kind, *args, **kwargs):
    """Return one layer of weights and what follows it."""
    layer = kind(*args, kernel_initializer=initializer(stage), **kwargs)
    norm = [keras.layers.BatchNormalization()] if stage.batch_norm else []
    return [layer, *norm, keras.layers.ReLU()]


def initializer(stage):
    """Return an initializer; the poor one is the default of `tf.random.normal`."""
    if stage.variance_scaling:
        return kt.initializers.variance_scaling()
    return keras.initializers.RandomNormal(stddev=1.0)


# Training


def train(stage, x, y, args):
    """Diagnose and train one network; return what was seen."""
    start = time.time()
    keras.utils.set_random_seed(args.seed)
    x, y = x[: stage.images], y[: stage.images]
    model = build(stage)
    model.compile(keras.optimizers.Adam(stage.rate), "mse", jit_compile=False)
    before = diagnose(model, x, y, args.epochs) if stage.diagnose else None
    doctor = kt.callbacks.Doctor(x=x, y=y, verbose=0) if stage.watch else None
    one = kt.callbacks.OverfitOneSample(x, y, verbose=0) if stage.memorize else None
    losses = []
    history = model.fit(
        repeat(x, y, args.seed),
        epochs=args.epochs,
        steps_per_epoch=IMAGES // BATCH,
        callbacks=[
            *filter(None, (doctor, one)),
            # Within an epoch, a mean: the first of all is that of the first step.
            keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda step, logs: losses.append(logs["loss"])
            ),
            keras.callbacks.TerminateOnNaN(),
        ],
        shuffle=False,  # the dataset shuffles
        verbose=0,
    ).history["loss"]
    return {
        "change": stage.change,
        "first_loss": losses[0],
        "last_loss": float(np.mean(history[-max(1, len(history) // 10) :])),
        "before": findings(before) if before else None,
        "during": findings(doctor.diagnosis) if doctor else None,
        "can_learn_one_image": one.passed if one else None,
        "seconds": round(time.time() - start, 1),
        "history": history,
    }


def repeat(x, y, seed):
    """Return batches without end, which differ from epoch to epoch."""
    # With a seed set, Keras 3.15.1 on TensorFlow shuffles arrays alike in every epoch,
    # and batch norm lets a network learn its batches by heart.
    data = tf.data.Dataset.from_tensor_slices((x, y)).cache()
    return data.shuffle(len(x), seed=seed).repeat().batch(min(BATCH, len(x)))


def diagnose(model, x, y, epochs):
    """Ask the doctor before a training of as many steps on these images alone."""
    batch = min(BATCH, len(x))
    epochs = epochs * (IMAGES // BATCH) * batch // len(x)
    return kt.doctor.diagnose(model, x, y, batch_size=batch, epochs=epochs)


def findings(diagnosis):
    """Return `name (severity)` of all findings, worst first."""
    return [f"{f.name} ({f.severity})" for f in diagnosis.findings]


def lines(result):
    """Return a row of the table; a finding more is a line more."""
    said = []
    for when in ("before", "during"):
        found = result[when]
        said += [f"{when}: {name}" for name in found or []]
        said += [f"{when}: nothing"] if found == [] else []
    if result["can_learn_one_image"] is not None:
        can = "can" if result["can_learn_one_image"] else "cannot"
        said += [f"OverfitOneSample: {can} learn it"]
    first, last = result["first_loss"], result["last_loss"]
    text = f"{result['change']:33} {first:8.3g} -> {last:8.3g}  "
    return (text + ("\n" + " " * len(text)).join(said)).rstrip()


def finite(value):
    """Return a structure as JSON can hold it: None instead of NaN and infinity."""
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [finite(part) for part in value]
    bad = isinstance(value, float) and not math.isfinite(value)
    return None if bad else value


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--epochs", type=int, default=60, help="of each training, of 4 steps")
    add("--stages", nargs="+", choices=stages(100), help="only these")
    add("--seed", type=int, default=0)
    add("--report", type=pathlib.Path, help="write the results as JSON")
    return parser.parse_args()


def main():
    start = time.time()
    args = parse()
    x, y = draw(args.seed)
    print(f"inputs up to {x.max():.2g}, half of them below {np.median(x):.3g}")
    print(f"loss of the best constant output: {y.var(axis=0).mean():.3g}\n")
    results = {}
    for name, stage in stages(args.epochs * (IMAGES // BATCH)).items():
        if args.stages is None or name in args.stages:
            results[name] = train(stage, x, y, args)
            print(lines(results[name]), flush=True)
    report = {
        "settings": json.loads(json.dumps(vars(args), default=str)),
        "seed": args.seed,
        "metrics": {name: result["last_loss"] for name, result in results.items()},
        "history": {name: result["history"] for name, result in results.items()},
        "stages": results,
        "seconds": round(time.time() - start, 1),
    }
    if args.report:
        args.report.write_text(json.dumps(finite(report), indent=1, allow_nan=False))
    print(f"\n{report['seconds']:.0f} seconds")


if __name__ == "__main__":
    main()
