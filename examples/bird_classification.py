"""Train a bird classifier with the tricks that took one from 50 % to 76 %.

    python examples/bird_classification.py

draws a set of birds, trains a small network plainly and once more with the tricks, and
compares both on pictures that neither has seen. With `--data-dir DIR` it reads
`DIR/{train,test}/<class>/*.jpg`, with `--tfds NAME` a data set of tensorflow_datasets.
A killed run continues where it was when the same command is given again.

Without arguments, seed 0, two runs: plain 0.389 and 0.389, with the tricks 0.584 and
0.555 of 1,000 test pictures, about 100 seconds on 2 CPU cores. (Augmentation runs in
parallel, so that not even one seed gives the same batches twice.)

Real birds: CUB-200-2011 cropped to the bird, 96 pixels, 27 training pictures per
species, accuracy on the official test split, TensorFlow 2.21, Keras 3.15.1:

    20 species, from scratch, 60 epochs                     0.634 0.638 (seeds 0, 1)
    the same with --mix none                                0.578 (seed 0)
    100 species, from scratch, 15 epochs, --mix none        0.426 (seed 0)
    20 species, fine-tuned (*), 8 epochs                    0.753 0.743 0.772
        (seeds 0, 1, 2; the last was killed after 4 epochs and resumed)
    100 species, fine-tuned (*), 5 epochs                   0.625 (seed 0)

(*) from MobileNetV2's ImageNet weights, with --backbone mobilenet_v2 --weights FILE
--optimizer adam --learning-rate 0.0016 --warmup 0.25 --label-smoothing 0 --weight-decay
0 --mix none. CUB overlaps ImageNet: these scores are optimistic. A run of 20 species
took 1 to 5 minutes on one core, of 100 species 3 to 8.

The ladder on 20 species, 30 epochs, mean of seeds 0 to 2 (benchmarks/bird_ladder.py):

    plain Adam                     0.576
    + pad, crop, rotate, flip      0.477   (slows training down: 30 epochs are few)
    SGD instead of Adam            0.500
    + weight decay 5e-4            0.503
    + warmup-cosine, smoothing     0.592
    + MixUp                        0.558   (at 60 epochs it gained, see above)
"""

import argparse
import csv
import json
import pathlib
import sys
import time

import keras
import numpy as np
import tensorflow as tf

import keras_tricks as kt

PLAIN = {
    "optimizer": "adam",
    "learning_rate": None,
    "schedule": "constant",
    "augment": False,
    "mix": "none",
    "grid_mask": False,
    "label_smoothing": 0.0,
    "weight_decay": 0.0,
}


# Data: arrays of uint8 images and integer labels.


def drawn_birds(size):
    """Return training, validation and test pictures of drawn birds, and their names."""
    counts = {"train": (400, 0), "validation": (200, 1), "test": (1000, 2)}
    splits = {
        split: kt.datasets.birds(count, num_species=10, image_size=size, seed=seed)
        for split, (count, seed) in counts.items()
    }
    return splits, list(kt.datasets.BIRD_SPECIES[:10])


def folders(root, size, max_classes):
    """Read `root/{train,test}/<class>/*`; a part of train becomes validation."""
    try:
        names = sorted(
            path.name for path in (root / "train").iterdir() if path.is_dir()
        )
        names = names[:max_classes]
        splits = {
            split: kt.datasets.image_folder(root / split, size, names)[:2]
            for split in ("train", "test")
        }
    except (OSError, ValueError) as error:
        sys.exit(f"--data-dir: {error}")
    return hold_out(splits), names


def tfds(name, size):
    """Read `name` from tensorflow_datasets: its splits train and test."""
    import tensorflow_datasets

    data, info = tensorflow_datasets.load(name, with_info=True, as_supervised=True)
    if not {"train", "test"} <= set(data):
        sys.exit(f"--tfds: {name} must have the splits train and test, has {set(data)}")

    def resize(image, label):
        image = tf.image.resize_with_pad(image, size, size, antialias=True)
        return tf.cast(tf.round(image), "uint8"), label

    splits = {}
    for split in ("train", "test"):
        images, labels = zip(*data[split].map(resize).as_numpy_iterator(), strict=True)
        splits[split] = (np.stack(images), np.array(labels))
    return hold_out(splits), info.features["label"].names


def hold_out(splits, fraction=0.1):
    """Split a validation set off the training set, the same share of every class."""
    images, labels = splits["train"]
    rng = np.random.default_rng(0)
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        of_class = rng.permutation(np.flatnonzero(labels == label))
        held[of_class[: round(fraction * len(of_class))]] = True
    if not held.any():
        sys.exit("there are too few pictures to hold any out for validation")
    splits["train"] = images[~held], labels[~held]
    splits["validation"] = images[held], labels[held]
    return splits


def training_batches(images, labels, num_classes, args, seed):
    """Return shuffled, augmented batches: uint8 images and float labels."""
    data = tf.data.Dataset.from_tensor_slices((images, np.eye(num_classes)[labels]))
    data = data.shuffle(len(images), seed=seed).batch(args.batch_size)
    if args.augment:
        move = keras.Sequential(
            [
                keras.layers.RandomFlip("horizontal", seed=seed),
                # Padding and cropping at random is a translation.
                keras.layers.RandomTranslation(0.12, 0.12, "reflect", seed=seed),
                keras.layers.RandomRotation(0.05, "reflect", seed=seed),
            ]
        )
        data = data.map(lambda x, y: (move(x, training=True), y), tf.data.AUTOTUNE)
    if args.mix == "cutmix":
        data = data.map(kt.layers.CutMix(seed=seed))
    elif args.mix == "mixup":
        data = data.map(kt.layers.MixUp(seed=seed))
    if args.grid_mask:
        data = data.map(kt.layers.GridMask(fill_value=128, seed=seed))
    return data.prefetch(2)


def plain_batches(images, labels, num_classes, args):
    data = tf.data.Dataset.from_tensor_slices((images, np.eye(num_classes)[labels]))
    return data.batch(args.batch_size)


# Model


def build_model(args, num_classes):
    """Return a classifier of uint8 images that ends in logits."""
    shape = (args.image_size, args.image_size, 3)
    inputs = keras.Input(shape)
    weights = "imagenet" if args.weights == "imagenet" else None
    if args.backbone == "resnet50":
        x = keras.applications.resnet50.preprocess_input(inputs)
        body = keras.applications.ResNet50(
            include_top=False, weights=weights, input_shape=shape, pooling="avg"
        )
    else:
        x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
        if args.backbone == "mobilenet_v2":
            body = keras.applications.MobileNetV2(
                include_top=False, weights=weights, input_shape=shape, pooling="avg"
            )
        else:
            body = small_network(shape)
    if args.weights not in (None, "imagenet"):
        load_weights(body, args.weights)
    for layer in body.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # As in PyTorch: with few steps per epoch Keras's 0.99 lags behind.
            layer.momentum = 0.9
            # Given statistics are kept. (`body(x, training=False)` does not keep them
            # in Keras 3.15.1: `fit` overrides it.)
            layer.trainable = args.weights is None
    x = keras.layers.Dropout(args.dropout)(body(x))
    outputs = keras.layers.Dense(num_classes, dtype="float32")(x)
    model = keras.Model(inputs, outputs)
    if args.weights is None:
        kt.initializers.reinitialize(model, seed=args.seed)
    for variable in model.trainable_variables:
        if len(variable.shape) > 1 and args.weight_decay:  # not biases, not norms
            # "L2 1e-4" of PyTorch, MXNet and PaddleClas adds 1e-4 * w to the gradient:
            # Keras's L2 of half of it. SGD(weight_decay=1e-4) would be 10 x weaker.
            variable.regularizer = keras.regularizers.L2(args.weight_decay / 2)
    return model


def small_network(shape):
    """Return a plain stack of convolutions with 0.3 million weights."""
    x = inputs = keras.Input(shape)
    for width in (24, 48, 96, 128):
        x = keras.layers.MaxPooling2D(2)(conv(x, width))
    outputs = keras.layers.GlobalAveragePooling2D()(conv(x, 128))
    return keras.Model(inputs, outputs)


def conv(x, width):
    x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(epsilon=1e-5)(x)
    return keras.layers.ReLU()(x)


def load_weights(body, path):
    """Load a Keras weights file, or an .npz of `<layer>/<variable>` arrays."""
    if not path.endswith(".npz"):
        body.load_weights(path)
        return
    arrays = np.load(path)
    for layer in body.layers:
        for variable in layer.weights:
            names = (variable.name, f"depthwise_{variable.name}")
            keys = [f"{layer.name}/{n}" for n in names if f"{layer.name}/{n}" in arrays]
            if not keys:
                sys.exit(f"--weights: {path} has no {layer.name}/{variable.name}")
            variable.assign(arrays[keys[0]])


# Training


def train(name, args, splits, names, run_dir):
    """Train one model, or go on where it was killed; return its results."""
    start = time.time()
    keras.utils.set_random_seed(args.seed)
    run_dir = run_dir / name
    if (run_dir / "result.json").exists():  # the other model was killed, not this one
        return json.loads((run_dir / "result.json").read_text())
    (run_dir / "backup").mkdir(parents=True, exist_ok=True)
    log = run_dir / "history.csv"
    if not any((run_dir / "backup").iterdir()):  # nothing to resume
        log.unlink(missing_ok=True)
    done = read_history(log)
    epochs_done = len(done["loss"]) if done else 0
    if epochs_done:
        print(f"{name}: resumed after {epochs_done} of {args.epochs} epochs")

    model = build_model(args, len(names))
    images, labels = splits["train"]
    steps = args.epochs * -(-len(images) // args.batch_size)
    # The order of a resumed run is a new one, not the first epochs' over again.
    data = training_batches(images, labels, len(names), args, args.seed + epochs_done)
    validation = plain_batches(*splits["validation"], len(names), args)
    logits_loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(
        optimizer=optimizer(args, steps),
        loss=kt.losses.LabelSmoothing(logits_loss, args.label_smoothing),
        metrics=["accuracy"],
    )
    callbacks = [
        keras.callbacks.ModelCheckpoint(
            run_dir / "best.keras",
            monitor="val_accuracy",
            save_best_only=True,
            initial_value_threshold=max(done["val_accuracy"]) if done else None,
        ),
        keras.callbacks.CSVLogger(log, append=True),
        keras.callbacks.TensorBoard(run_dir / "tensorboard"),
        keras.callbacks.BackupAndRestore(run_dir / "backup", double_checkpoint=True),
    ]
    if args.overfit_check and not epochs_done:
        callbacks.append(
            kt.callbacks.OverfitOneSample(images[:1], np.eye(len(names))[labels[:1]])
        )
    model.fit(
        data,
        epochs=args.epochs,
        validation_data=validation,
        callbacks=callbacks,
        shuffle=False,  # the dataset shuffles
        verbose=args.verbose,
    )

    model = keras.models.load_model(run_dir / "best.keras", compile=False)
    images, labels = splits["test"]
    logits = model.predict(images, batch_size=args.batch_size, verbose=0)
    history = read_history(log)
    result = {
        "test_accuracy": float((logits.argmax(1) == labels).mean()),
        "validation_accuracy": max(history["val_accuracy"]),
        "resumed_after_epochs": epochs_done,
        "seconds": round(time.time() - start, 1),
        "history": history,
    }
    accuracy, seconds = result["test_accuracy"], result["seconds"]
    print(f"{name}: test accuracy {accuracy:.3f}, {seconds:.0f} s")
    kt.visualize.confusion(labels, logits, names).savefig(
        run_dir / "confusion.png", dpi=150
    )
    batch = [part[:24].numpy() for part in next(iter(data))]
    kt.visualize.augmentations(batch, names).savefig(run_dir / "augmented.png", dpi=110)
    (run_dir / "result.json").write_text(json.dumps(result))
    return result


def optimizer(args, steps):
    """Return SGD with momentum or Adam; the rate is that of 256 pictures per step."""
    base = args.learning_rate or {"sgd": 0.4, "adam": 0.008}[args.optimizer]
    rate = kt.schedules.scale_learning_rate(base, args.batch_size)
    if args.schedule == "cosine":
        warmup = round(steps * args.warmup)
        rate = kt.schedules.WarmupCosine(rate, steps, warmup)
    if args.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    return keras.optimizers.Adam(rate)


def read_history(path):
    """Return the logged epochs as a dict of lists; of an epoch, the last record."""
    if not path.exists():
        return {}
    with open(path, newline="") as file:
        rows = {int(row.pop("epoch")): row for row in csv.DictReader(file)}
    return {key: [float(row[key]) for row in rows.values()] for key in rows[0]}


def predict(photo, run_dir):
    """Print the likeliest classes of a photo, by the best weights of a finished run."""
    path = run_dir / "tricks" / "best.keras"
    if not path.exists():
        sys.exit(f"--predict: there is no trained model {path}; train first")
    names = json.loads((run_dir / "settings.json").read_text())["classes"]
    model = keras.models.load_model(path, compile=False)
    size = model.input_shape[1:3]
    try:
        image = keras.utils.load_img(photo, target_size=size, keep_aspect_ratio=True)
    except OSError as error:
        sys.exit(f"--predict: {error}")
    image = np.asarray(image)
    chances = keras.ops.softmax(model.predict(image[None], verbose=0)[0])
    for label in np.argsort(-chances)[:5]:
        print(f"{float(chances[label]):6.1%}  {names[label]}")


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    switch = argparse.BooleanOptionalAction
    data = parser.add_argument_group("data")
    data.add_argument("--data-dir", type=pathlib.Path)
    data.add_argument("--tfds", metavar="NAME")
    data.add_argument("--max-classes", type=int, help="only the first so many folders")
    data.add_argument("--image-size", type=int, default=None, help="pixels")
    model = parser.add_argument_group("model")
    backbones = ("small", "resnet50", "mobilenet_v2")
    model.add_argument("--backbone", choices=backbones, default="small")
    model.add_argument("--weights", help="a file (.weights.h5, .npz) or 'imagenet'")
    model.add_argument("--dropout", type=float, default=0.0)
    training = parser.add_argument_group("training, each trick with its switch")
    training.add_argument("--epochs", type=int, default=40)
    training.add_argument("--batch-size", type=int, default=32)
    training.add_argument("--optimizer", choices=("sgd", "adam"), default="sgd")
    training.add_argument(
        "--learning-rate", type=float, help="for 256 pictures per step"
    )
    training.add_argument(
        "--schedule", choices=("cosine", "constant"), default="cosine"
    )
    training.add_argument(
        "--warmup", type=float, default=0.1, help="share of the steps"
    )
    training.add_argument("--augment", action=switch, default=True)
    training.add_argument("--mix", choices=("mixup", "cutmix", "none"), default="mixup")
    training.add_argument("--grid-mask", action=switch, default=False)
    training.add_argument("--label-smoothing", type=float, default=0.1)
    training.add_argument(
        "--weight-decay", type=float, default=5e-4, help="L2 as in PyTorch"
    )
    training.add_argument("--overfit-check", action=switch, default=True)
    training.add_argument("--baseline", action=switch, help="train plainly beside it")
    training.add_argument("--seed", type=int, default=0)
    output = parser.add_argument_group("output")
    output.add_argument("--run-dir", type=pathlib.Path, default="runs/birds")
    output.add_argument("--report", type=pathlib.Path, help="write the results as JSON")
    output.add_argument("--predict", metavar="PHOTO", help="classify a photo and stop")
    output.add_argument("--verbose", default="auto", choices=("auto", "0", "1", "2"))
    return parser.parse_args()


def main():
    start = time.time()
    args = parse()
    if args.predict:
        predict(args.predict, args.run_dir)
        return
    offline = args.data_dir is None and args.tfds is None
    args.image_size = args.image_size or (64 if offline else 96)
    args.baseline = offline if args.baseline is None else args.baseline
    args.verbose = args.verbose if args.verbose == "auto" else int(args.verbose)
    if offline:
        splits, names = drawn_birds(args.image_size)
    elif args.tfds:
        splits, names = tfds(args.tfds, args.image_size)
    else:
        splits, names = folders(args.data_dir, args.image_size, args.max_classes)
    counts = ", ".join(
        f"{len(labels)} {split}" for split, (_, labels) in splits.items()
    )
    print(f"{len(names)} classes; pictures: {counts}")

    settings = {
        key: str(v) if isinstance(v, pathlib.Path) else v
        for key, v in vars(args).items()
    }
    settings["classes"] = names
    begin(args.run_dir, settings)
    results = {}
    if args.baseline:
        plain = argparse.Namespace(**{**vars(args), **PLAIN})
        results["plain"] = train("plain", plain, splits, names, args.run_dir)
    results["tricks"] = train("tricks", args, splits, names, args.run_dir)

    histories = {name: result["history"] for name, result in results.items()}
    kt.visualize.curves(histories).savefig(args.run_dir / "curves.png", dpi=110)
    report = {
        "settings": settings,
        "seed": args.seed,
        "test_accuracy": results["tricks"]["test_accuracy"],
        "history": results["tricks"]["history"],
        "runs": results,
        "seconds": round(time.time() - start, 1),
    }
    if args.report:
        args.report.write_text(json.dumps(report, indent=1))
    finish(args.run_dir, settings)
    for name, result in results.items():
        print(f"{name:8} test accuracy {result['test_accuracy']:.3f}")
    print(
        f"{report['seconds']:.0f} s; pictures, logs and weights are in {args.run_dir}"
    )


def begin(run_dir, settings):
    """Keep the settings of a run; refuse to go on with an unfinished one of others."""
    run_dir.mkdir(parents=True, exist_ok=True)
    path = run_dir / "settings.json"
    before = json.loads(path.read_text()) if path.exists() else {"finished": True}
    if before["finished"]:
        for result in run_dir.glob("*/result.json"):
            result.unlink()
    elif any(run_dir.glob("*/backup/*")) or any(run_dir.glob("*/result.json")):
        ignored = {"report", "verbose", "predict"}
        differ = {k for k in settings if before.get(k) != settings[k]} - ignored
        if differ:
            sys.exit(
                f"{run_dir} holds an unfinished run with other settings "
                f"({', '.join(sorted(differ))}): finish it, delete it, or give another "
                "--run-dir"
            )
    path.write_text(json.dumps({**settings, "finished": False}, indent=1))


def finish(run_dir, settings):
    """Mark a run as done: the same command then begins a new one."""
    path = run_dir / "settings.json"
    path.write_text(json.dumps({**settings, "finished": True}, indent=1))


if __name__ == "__main__":
    main()
