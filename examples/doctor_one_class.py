"""See a loss fall suspiciously fast: 1,000 outputs, but pictures of one class.

    python examples/doctor_one_class.py

A network made for 1,000 classes is trained on pictures of drawn birds of one species,
by SGD. The loss is near 0 within the first epoch, without a rise on the way, in the
same number of steps whatever the batch size: every picture asks for the same, so larger
batches only read more of them. The accuracy is that of always giving one answer. With
all 18 species the loss goes up on every second step and falls slowly, and the accuracy
means something. Seed 0 / seed 1, 1,024 pictures, SGD(0.005, momentum=0.9):

                batch  steps until   pictures   steps that    accuracy on 400
                size   loss < 0.1    read       went up       pictures of all
    one class      8      7 / 5       56 / 40     0 / 0 %     0.058 / 0.055
                  16      6 / 5       96 / 80     0 / 0 %     0.058 / 0.055
                  32      6 / 5      192 / 160    0 / 0 %     0.058 / 0.055
                  64      6 / 5      384 / 320    0 / 0 %     0.058 / 0.055
    18 classes    32      none in 320 steps      50 / 45 %    0.200 / 0.188

The doctor names `single-class` (error) before each training of one class and not for
the real ones; so does the callback that watches it, at every batch size.

50 seconds on 2 CPU cores. TensorFlow 2.21, Keras 3.15.1.
"""

import argparse
import json
import pathlib
import time

import keras
import numpy as np

import keras_tricks as kt

OUTPUTS = 1000  # as ImageNet has
PICTURES, TEST, SIZE = 1024, 400, 32
SPECIES = len(kt.datasets.BIRD_SPECIES)
BATCH_SIZES = (8, 16, 32, 64)
BATCH = 32  # with the real classes
RATE = 0.005
LOW = 0.1  # a loss that counts as converged


# Data: uint8 images and integer labels.


def draw(count, seed):
    """Return pictures of all species; `count` of the first one too."""
    birds = kt.datasets.birds
    one, labels = birds(2 * count, 2, SIZE, seed)
    return (one[labels == 0], labels[labels == 0]), birds(count, SPECIES, SIZE, seed)


# Model


def build(outputs, seed):
    """Return a compiled network of four convolutions that ends in logits."""
    keras.utils.set_random_seed(seed)
    stack = [keras.Input((SIZE, SIZE, 3)), keras.layers.Rescaling(1 / 127.5, -1)]
    for width in (16, 32, 64, 64):
        stack += [
            keras.layers.Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                kernel_initializer=kt.initializers.variance_scaling(),
            ),
            keras.layers.MaxPooling2D(2),
        ]
    stack += [keras.layers.Flatten(), keras.layers.Dense(outputs)]
    model = keras.Sequential(stack)
    model.compile(
        keras.optimizers.SGD(RATE, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model


# Training


class StepLosses(keras.callbacks.Callback):
    """Keep the loss of each batch: what `fit` logs is the mean over the epoch so far.

    Attributes:
        losses: List of floats.
    """

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_epoch_begin(self, epoch, logs=None):
        self._sum = 0.0

    def on_train_batch_end(self, batch, logs=None):
        total = (batch + 1) * logs["loss"]
        # Rounding leaves differences below 0, which a cross-entropy never is.
        self.losses.append(max(total - self._sum, 0.0))
        self._sum = total


def train(data, test, outputs, batch_size, epochs, seed):
    """Diagnose, train and watch one network; return what was seen."""
    start = time.time()
    model = build(outputs, seed)
    before = kt.doctor.diagnose(model, *data, batch_size=batch_size, epochs=epochs)
    # A callback is not given the data of `fit`.
    doctor = kt.callbacks.Doctor(x=data[0], y=data[1], verbose=0)
    steps = StepLosses()
    history = model.fit(
        *data,
        batch_size=batch_size,
        epochs=epochs,
        callbacks=[doctor, steps],
        verbose=0,
    ).history
    losses = np.array(steps.losses)
    low = np.flatnonzero(losses < LOW)
    fall = losses[: low[0] + 1] if len(low) else losses
    return {
        "batch_size": batch_size,
        "first_loss": float(losses[0]),
        "last_loss": float(losses[-5:].mean()),
        "steps_until_low": len(fall) if len(low) else None,
        "rising_steps": float((np.diff(fall) > 0).mean()),
        "accuracy": history["accuracy"][-1],
        "test_accuracy": float(model.evaluate(*test, verbose=0)[1]),
        "before": findings(before),
        "during": findings(doctor.diagnosis),
        "seconds": round(time.time() - start, 1),
        "history": losses.tolist(),
    }


def findings(diagnosis):
    """Return `name (severity)` of all findings, worst first."""
    return [f"{f.name} ({f.severity})" for f in diagnosis.findings]


def line(name, result):
    """Return a row of the table."""
    steps = result["steps_until_low"]
    read = steps and steps * result["batch_size"]
    return (
        f"{name:14} {result['batch_size']:5} {result['first_loss']:6.2f} -> "
        f"{result['last_loss']:7.4f} {steps or '-':>6} {read or '-':>6} "
        f"{result['rising_steps']:7.0%} {result['accuracy']:6.3f} "
        f"{result['test_accuracy']:6.3f}  before: {', '.join(result['before']) or '-'}"
        f"; during: {', '.join(result['during']) or '-'}"
    )


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--epochs", type=int, default=10, help="with the real classes; 1 with one")
    add("--seed", type=int, default=0)
    add("--report", type=pathlib.Path, help="write the results as JSON")
    return parser.parse_args()


def main():
    start = time.time()
    args = parse()
    one, real = draw(PICTURES, seed=2 * args.seed)
    test = draw(TEST, seed=2 * args.seed + 1)[1]
    print(" " * 15 + "batch       loss       steps images  rising accuracy, test")
    results = {}
    for size in BATCH_SIZES:
        name = f"one class {size}"
        results[name] = train(one, test, OUTPUTS, size, 1, args.seed)
        print(line("one class", results[name]), flush=True)
    results["real"] = train(real, test, SPECIES, BATCH, args.epochs, args.seed)
    print(line(f"{SPECIES} classes", results["real"]))
    report = {
        "settings": json.loads(json.dumps(vars(args), default=str)),
        "seed": args.seed,
        "metrics": {name: result["test_accuracy"] for name, result in results.items()},
        "history": {name: result["history"] for name, result in results.items()},
        "runs": results,
        "seconds": round(time.time() - start, 1),
    }
    if args.report:
        args.report.write_text(json.dumps(report, indent=1, allow_nan=False))
    print(f"{report['seconds']:.0f} seconds")


if __name__ == "__main__":
    main()
