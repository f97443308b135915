import keras
import numpy as np
import pytest
from keras import layers

import keras_tricks as kt
from keras_tricks import doctor
from keras_tricks.doctor import rules
from keras_tricks.doctor.watching.watch import Snapshot, Watch

RNG = np.random.default_rng(0)
KERNELS = ("a/kernel", "b/kernel", "c/kernel")


def watch(losses=(), per_epoch=50, noise=0.02, snapshots=(), **arguments):
    """A training of that many steps per epoch, by the losses of its epochs."""
    losses = np.asarray(losses, "float64")
    steps = np.interp(
        np.arange(len(losses) * per_epoch) / per_epoch,
        np.arange(len(losses)) + 0.5,
        losses,
    )
    steps *= 1 + noise * RNG.normal(size=len(steps))
    logs = {"loss": steps.reshape(-1, per_epoch).mean(1).tolist()}
    logs |= arguments.pop("logs", {})
    known = {"step_losses": steps, "epochs": len(losses), "logs": logs}
    return Watch(snapshots=list(snapshots), **known | arguments)


def looks(count=6, every=50, update=1e-3, **fields):
    """Looks at a training; a field may be a function of the look's number."""
    return [
        Snapshot(
            **{
                "step": every * i,
                "rate": 0.01,
                "loss": 1.0,
                "train_loss": 1.0,
                "penalty": 0.0,
                "weights": dict.fromkeys(KERNELS, 1.0),
                "gradients": dict.fromkeys(KERNELS, 0.1),
                "updates": dict.fromkeys(KERNELS, update),
            }
            | {k: v(i) if callable(v) else v for k, v in fields.items()}
        )
        for i in range(count)
    ]


def task(*counts):
    """A task of classes with so many rows each."""

    class Task:
        classifies = True

    Task.counts = np.array(counts)
    return Task


FLAT, FALLING = [2.3] * 6, [2.3, 1.5, 1.1, 0.8, 0.6, 0.5]
LATE = {"finished": False, "epochs": 10}
CE = {"loss": "sparse_categorical_crossentropy"}
SICK = {
    "lr-high grows": ("lr-high", "error", watch([2.3, 2.8, 3.5, 4.5, 6.0])),
    "lr-high steps too far": (
        "lr-high",
        "error",
        watch(FLAT, snapshots=looks(update=0.2)),
    ),
    "lr-high jumps and stays": (
        "lr-high",
        "error",
        Watch(
            step_losses=np.concatenate([[2.3], [40.0] * 20, [2.4] * 79]),
            logs={"loss": [10.0, 2.4]},
        ),
    ),
    "lr-low": (
        "lr-low",
        "error",
        watch(np.linspace(2.3, 2.29, 6), noise=1e-4, snapshots=looks(update=1e-5)),
    ),
    "lr-decay": (
        "lr-decay",
        "error",
        watch([2.3, 1.9, *[1.85] * 8], rates=[0.1, 0.01, *[1e-4] * 8]),
    ),
    "nothing trains": (
        "nothing-trains",
        "error",
        watch(FLAT, noise=0.01, snapshots=looks(moved=False)),
    ),
    "dead relu": (
        "hidden-dead-relu",
        "error",
        watch(FLAT, snapshots=looks(dead=lambda i: {"a": min(1.0, i / 4), "b": 0.2})),
    ),
    "dead relu in a network that learns": (
        "hidden-dead-relu",
        "warning",
        watch(FALLING, snapshots=looks(dead={"a": 0.75})),
    ),
    "saturated": (
        "hidden-saturating",
        "error",
        watch(FLAT, snapshots=looks(saturated={"a": 0.3, "b": 0.8})),
    ),
    "vanishing": (
        "gradient-vanishing",
        "error",
        watch(
            FLAT,
            snapshots=looks(gradients=dict(zip(KERNELS, (1e-8, 1e-4, 1), strict=True))),
        ),
    ),
    "exploding": (
        "gradient-exploding",
        "error",
        watch(
            [2.3, 2.0, 1.9, 1.8],
            snapshots=looks(
                gradients=lambda i: dict.fromkeys(KERNELS, 1e5 if i == 5 else 1.0),
                train_loss=lambda i: 9.0 if i == 5 else 1.0,
            ),
            **LATE,
        ),
    ),
    "stale statistics": (
        "bn-stale-stats",
        "error",
        watch(
            FALLING,
            snapshots=looks(
                loss=3.0,
                train_loss=lambda i: 2.3 / (i + 1),
                batch_norm={"n": (2.0, 1.0), "m": (0.0, 1.0)},
            ),
        ),
    ),
    "dropout": (
        "dropout-high",
        "warning",
        watch(
            FLAT,
            snapshots=looks(train_loss=2.2, loss=1.2),
            facts={"dropout": ["drop"]},
        ),
    ),
    "penalty": (
        "reg-strong",
        "error",
        watch(
            [95, 40, 20, 10, 5, 3],
            snapshots=looks(
                penalty=lambda i: 100 / 4**i, loss=lambda i: 2.3 + 100 / 4**i
            ),
        ),
    ),
    "one class": (
        "single-class",
        "error",
        Watch(
            step_losses=2.3 * np.exp(-np.arange(100) / 8),
            logs={"loss": [0.4, 1e-5]},
            task=task(0, 64),
            facts=CE,
        ),
    ),
    "above guessing": (
        "not-learning",
        "warning",
        watch(
            [3.0, 2.8, 2.7, 2.6],
            snapshots=looks(loss=2.6),
            task=task(*[8] * 8),
            facts=CE,
        ),
    ),
    "flat to the end": ("not-learning", "error", watch(FLAT)),
    "sign": ("loss-sign", "error", watch([-1, -10, -50, -200, -900, -4000])),
    "underfit": (
        "underfit",
        "note",
        watch(
            [2.3, 2.0, 1.8, 1.7, 1.6, 1.55],
            snapshots=looks(loss=1.2),
            logs={"val_loss": [2.0, 1.7, 1.5, 1.3, 1.2, 1.2]},
        ),
    ),
    "plateau": (
        "plateau",
        "note",
        watch(
            [90, 12, *[11.2] * 10],
            snapshots=looks(12, steadiness=0.95, rate=1e-4),
            finished=False,
            epochs=40,
        ),
    ),
}


def judged(seen):
    """Return all findings by name."""
    found = [
        rule.during(seen)
        for rule in rules.modules().values()
        if hasattr(rule, "during")
        and (seen.looked or not getattr(rule, "NEEDS_BATCH", False))
    ]
    return {finding.name: finding for finding in found if finding is not None}


@pytest.mark.parametrize("case", SICK)
def test_sick_training_is_named(case):
    name, severity, seen = SICK[case]
    finding = judged(seen)[name]
    assert finding.severity == severity
    assert any(character.isdigit() for character in finding.evidence)
    assert finding.where
    assert finding.why.endswith(".")
    assert finding.fix


HEALTHY = {
    "falls": watch(FALLING, snapshots=looks()),
    "is noisy": watch(FALLING, noise=0.5, snapshots=looks()),
    "has one bad epoch": watch([2.3, 1.5, 4.0, 1.0, 0.7, 0.6, 0.5, 0.45]),
    "is flat and not over": watch(FLAT, snapshots=looks(), **LATE),
    "is fine-tuned slowly": watch(
        [0.20, 0.195, 0.19, 0.19, 0.189, 0.188],
        noise=0.001,
        snapshots=looks(update=1e-6),
        task=task(8, 8, 8, 8),
        facts=CE,
    ),
    "warms up": watch(
        [2.3, 2.29, 2.0],
        noise=0.001,
        rates=[1e-6, 1e-4, 1e-3],
        snapshots=looks(3, update=1e-6),
        **LATE,
    ),
    "follows a cosine": watch(
        2.3 * 0.7 ** np.arange(12),
        rates=list(0.05 * (1 + np.cos(np.arange(12) / 12 * np.pi))),
        snapshots=looks(12),
    ),
    "steps down late": watch(
        [2.3, 1.6, 1.2, 1.1, 1.1, 1.1, 0.7, 0.6, 0.6, 0.5, 0.5, 0.5],
        rates=[0.1] * 6 + [0.01] * 3 + [0.0009] * 3,
    ),
    "learns with uneven gradients": watch(
        FALLING,
        snapshots=looks(gradients=dict(zip(KERNELS, (1e-8, 1e-4, 1), strict=True))),
    ),
    "has dropout": watch(
        FALLING,
        snapshots=looks(loss=lambda i: 2 / 3**i, train_loss=lambda i: 2.3 / 2**i),
        facts={"dropout": ["drop"]},
        logs={"val_loss": [1.8, 1.2, 0.8, 0.6, 0.5, 0.45]},
    ),
    "has a large penalty that does no harm": watch(
        FALLING, snapshots=looks(penalty=50, loss=lambda i: 50 + 2.3 / 2**i)
    ),
    "is easy": Watch(
        step_losses=0.7 * np.exp(-np.arange(100) / 8),
        logs={"loss": [0.1, 1e-6]},
        task=task(30, 34),
        facts=CE,
    ),
    "is a similarity": watch([-0.1, -0.5, -0.8, -0.9, -0.95, -0.97]),
    "validates better": watch(
        FALLING, logs={"val_loss": [loss / 2 for loss in FALLING]}
    ),
    "has validation that jumps once": watch(
        2.3 * 0.8 ** np.arange(12),
        logs={"val_loss": [*2.3 * 0.81 ** np.arange(11), 1.5]},
        rates=list(0.1 * 0.7 ** np.arange(12)),
    ),
    "is frozen but for the head": watch(FALLING, snapshots=looks(moved=True)),
    "nothing is known": Watch(),
}


@pytest.mark.parametrize("case", HEALTHY)
def test_nothing_is_said_of_a_training_that(case):
    assert judged(HEALTHY[case]) == {}


def test_plateau_of_a_detector_is_not_called_dead():
    """From hundreds to twelve, a long time at eleven, and a fall at last."""
    course = [*np.geomspace(300, 12, 5), *np.linspace(11.6, 11.4, 30)]
    drift = looks(35, steadiness=0.9, loss=11.5, train_loss=11.5, rate=1e-4)
    seen = watch(course, snapshots=drift, finished=False, epochs=80)
    found = judged(seen)
    assert set(found) == {"plateau"}
    assert found["plateau"].fix.startswith("wait")
    assert "times as far as by chance" in found["plateau"].evidence
    # Also where only the curve is known, and with nothing that moves.
    blind = watch(course, finished=False, epochs=80)
    assert set(judged(blind)) <= {"plateau"}
    lost = looks(35, steadiness=0.1, loss=11.5, train_loss=11.5, rate=1e-4)
    flat = [*course[:5], *[11.5] * 30]
    assert judged(watch(flat, snapshots=lost, finished=False, epochs=80)) == {}


def test_overfit_gives_the_fair_gap_and_advice_by_size():
    values = [2.0, 1.5, 1.2, 1.1, *np.linspace(1.2, 2, 8)]
    losses = 2.3 * 0.7 ** np.arange(12)
    for parameters, smoothing in ((25_000_000, True), (2_000_000, False)):
        seen = watch(
            losses,
            snapshots=looks(loss=0.02),
            logs={"val_loss": values},
            facts={"parameters": parameters},
        )
        finding = judged(seen)["overfit"]
        assert "0.02 on the fixed batch, 2 on validation" in finding.evidence
        assert ("LabelSmoothing" in finding.fix) is smoothing
        order = [finding.fix.index(word) for word in ("weight_decay", "RandAugment")]
        assert order == sorted(order)


def test_growth_before_a_nan_is_a_rate_and_calm_is_not():
    calm, wild = [2.3, 2.2, 2.1, np.nan], [2.3, 50.0, 1e9, np.nan]
    names = [set(judged(Watch(logs={"loss": each}))) for each in (calm, wild)]
    assert "lr-high" not in names[0]
    assert {"nan-loss", "lr-high"} <= names[1]


def test_symptom_is_left_out_where_a_cause_is_known():
    logs = {"loss": [2.3, 2.3, 2.3, 2.3, 2.3]}
    assert [f.name for f in doctor.read(logs).findings] == ["nothing-trains"]


PROTOTYPES = RNG.random((10, 8, 8, 1)) > 0.6
LABELS = RNG.integers(0, 10, 1000)
IMAGES = (PROTOTYPES[LABELS] + 0.5 * RNG.normal(size=(1000, 8, 8, 1))).astype("float32")
ROWS = IMAGES.reshape(-1, 64)
BITS = RNG.integers(0, 2, (1500, 6))


def perceptron(*hidden, activation="relu", units=10, last="softmax", size=64):
    body = [layers.Dense(n, activation) for n in hidden]
    return keras.Sequential(
        [keras.Input((size,)), *body, layers.Dense(units, last)], name="net"
    )


def fitted(model, optimizer, x=ROWS, y=LABELS, epochs=6):
    binary = model.output_shape[-1] == 1
    loss = "binary_crossentropy" if binary else "sparse_categorical_crossentropy"
    model.compile(optimizer, loss)
    watching = kt.callbacks.Doctor(x=x[:64], y=y[:64], period=50, verbose=0)
    model.fit(x, y, epochs=epochs, callbacks=[watching], verbose=0)
    return watching.diagnosis.findings


def convolutional():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.RandomTranslation(0.1, 0.1),
            layers.Conv2D(16, 3, use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.3),
            layers.Dense(10, "softmax"),
        ]
    )
    cosine = keras.optimizers.schedules.CosineDecay(3e-3, 32 * 6)
    return fitted(model, keras.optimizers.Adam(cosine), IMAGES)


def parity():
    """Flat at guessing for a third of the way, as a detector at eleven."""
    x, y = (2 * BITS - 1).astype("float32"), BITS[:, :4].sum(1) % 2
    model = perceptron(32, 32, activation="tanh", units=1, last="sigmoid", size=6)
    return fitted(model, keras.optimizers.Adam(2e-3), x, y, epochs=25)


def fine_tuning():
    model = perceptron(64, 64)
    fitted(model, "adam")
    for layer in model.layers[:-1]:
        layer.trainable = False
    return fitted(model, keras.optimizers.Adam(1e-5))


def step_decay():
    steps = keras.optimizers.schedules.PiecewiseConstantDecay
    rate = steps([32 * 4, 32 * 6], [0.1, 0.01, 0.001])
    return fitted(perceptron(64), keras.optimizers.SGD(rate, 0.9), epochs=8)


@pytest.mark.slow
@pytest.mark.parametrize(
    "training",
    [convolutional, parity, fine_tuning, step_decay],
    ids=lambda f: f.__name__,
)
def test_healthy_training_raises_no_error(training):
    keras.utils.set_random_seed(0)
    assert {f.name for f in training() if f.severity != "note"} <= {"too-few-epochs"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "optimizer", "rate", "y"),
    [
        ("lr-high", keras.optimizers.SGD, 10.0, LABELS),
        ("lr-low", keras.optimizers.SGD, 1e-5, LABELS),
        ("single-class", keras.optimizers.Adam, 1e-3, 0 * LABELS),
        ("gradient-vanishing", keras.optimizers.SGD, 0.01, LABELS),
    ],
)
def test_sick_training_is_named_while_it_runs(name, optimizer, rate, y):
    keras.utils.set_random_seed(0)
    deep = name == "gradient-vanishing"
    network = perceptron(*[32] * 10, activation="sigmoid") if deep else perceptron(64)
    assert fitted(network, optimizer(rate), y=y)[0].name == name
