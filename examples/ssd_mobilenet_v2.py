"""Train SSD-MobileNetV2 to find objects, with plain `fit`.

    python examples/ssd_mobilenet_v2.py

draws scenes with birds of three species, trains on them and says how well the birds of
other scenes are found. With `--voc-dir DIR` it reads Pascal VOC's `DIR/images`,
`DIR/annotations`, `DIR/train.txt` and `DIR/test.txt`; with `--coco-json FILE` COCO's
annotations. `--weights` says where MobileNetV2 begins. A killed run continues where it
was when the same command is given again.

Real pictures, 1,000 steps of 8 at 320 pixels from MobileNetV2's ImageNet weights
(--weights FILE), seed 0, on the test lists, each on one busy CPU core:

                                        AP50     mAP    minutes
    raccoons, 160 pictures to train on  0.922   0.504   17 (killed once and resumed)
    blood cells (BCCD), 292 pictures    0.874   0.550   20
        platelets, red, white cells     0.778, 0.869, 0.976

What made it so, on raccoons with half of the steps: the ImageNet layers at a tenth of
the rate, 0.908 instead of 0.718 (280 steps, all at one rate); group norm in the added
layers, 0.718 instead of 0.106 with batch norm. torchvision's SSDLite with the same
MobileNetV2 and weights came to 0.711 in 15 minutes on such a core (537 steps).

Without arguments MobileNetV2 begins with random weights, and the loss does what it is
known for: from 8 to 5.2 in 12 epochs, and then it seems to stay there. Meanwhile the
precision begins to rise: AP50 of the validation scenes is 0.11 at a loss of 5.2, 0.21
at 4.9, 0.34 at 4.7 and 0.46 at 4.1 (run-dir/curves.png). It *will* fall, with Adam, a
small rate and patience: 0.423 of the test scenes (seed 0, 13 minutes on a busy core) is
not the end of it. TensorFlow 2.21, Keras 3.15.1.
"""

import argparse
import csv
import json
import math
import pathlib
import sys
import time

import keras
import numpy as np
import tensorflow as tf

import keras_tricks as kt

# Layers before this one keep their weights when weights are given: edges and textures
# are the same in all pictures, and a step takes a fifth less time.
FIRST_TRAINED = "block_3_expand"
TRUNK = "^(Conv|bn_|block_|expanded_conv)"  # MobileNetV2's layers
SHOWN = 12  # test pictures in detections.png


# Data: batches of {"images", "bounding_boxes": {"boxes", "labels"}}, boxes in pixels.


def load(args):
    """Return pictures by split, the names of classes, and the scales of the anchors."""
    if args.voc_dir:
        train = kt.detection.read_voc(args.voc_dir, "train")
        test = kt.detection.read_voc(args.voc_dir, "test", train.class_names)
    elif args.coco_json:
        train = kt.detection.read_coco(args.coco_json, args.image_dir)
        if args.coco_test_json:
            names = train.class_names
            test = kt.detection.read_coco(args.coco_test_json, args.image_dir, names)
        else:
            train, test = train.split(0.2)
    else:
        return scenes(args)
    print(train)
    scales = anchor_scales(train, args.image_size)
    size = args.image_size
    splits = {"train": train.dataset(size), "test": test.dataset(size, crowd=True)}
    if args.validation:
        train, held = train.split(args.validation, args.seed)
        splits["train"] = train.dataset(size)
        splits["validation"] = held.dataset(size, crowd=True)
    splits = {name: data.cache() for name, data in splits.items()}
    return splits, train.class_names, scales


def anchor_scales(train, image_size):
    """Return the scales with which anchors cover most of the boxes to train on."""
    model = kt.detection.SSDMobileNetV2(len(train.class_names), image_size)
    report = kt.detection.check_anchors(model, train)
    print(report)
    best = (report.suggestions or [{"times": 2}])[0]
    if "times" in best:  # no other scales are better, a larger image may be
        return {}
    return {name: best[name] for name in ("min_scale", "max_scale")}


def scenes(args):
    """Draw the birds that a run without arguments is about."""
    splits = {}
    for seed, (split, count) in enumerate(
        {"train": 240, "validation": 40, "test": 100}.items()
    ):
        images, boxes = kt.datasets.bird_scenes(
            count, 3, image_size=args.image_size, seed=seed
        )
        batch = {"images": images, "bounding_boxes": boxes}
        splits[split] = tf.data.Dataset.from_tensor_slices(batch)
    return splits, list(kt.datasets.SCENE_SPECIES[:3]), {}


def augmentation(seed):
    """Return the layer for all that happens to a training batch."""
    layers = [
        # Not the order of channels: some classes are told by their colour.
        kt.layers.RandomPhotometricDistort(swap_channels=False),
        kt.layers.RandomZoomOut(
            (1, 1.6), 118, probability=0.2, bounding_box_format="xyxy"
        ),
        kt.layers.RandomSSDCrop("xyxy", scale=(0.5, 1)),
        kt.layers.RandomFlip("horizontal", bounding_box_format="xyxy"),
    ]
    return kt.layers.Pipeline(layers, seed=seed)


# Model


def build_model(args, names, scales):
    """Return an untrained detector on a trunk that may have seen ImageNet."""
    weights = None if args.weights == "none" else args.weights
    model = kt.detection.SSDMobileNetV2(
        len(names), args.image_size, weights=weights, **scales
    )
    if weights is not None:
        for layer in model.layers:
            if layer.name == FIRST_TRAINED:
                break
            layer.trainable = False
    return model


# Training


def train(args, splits, names, scales):
    """Train, or go on where it was killed; return the model and its history."""
    log = args.run_dir / "history.csv"
    if not any(args.run_dir.glob("backup/*")):  # nothing to resume
        log.unlink(missing_ok=True)
    epochs_done = len(read_history(log).get("loss", ()))

    keras.utils.set_random_seed(args.seed)
    # The order of a resumed run is a new one, not the first epochs' over again.
    seed = args.seed + epochs_done
    count = int(splits["train"].cardinality())
    augment = augmentation(seed)
    data = splits["train"].shuffle(count, seed=seed)
    # Not in parallel: batches would take the seed's numbers in no fixed order.
    data = data.batch(args.batch_size).map(augment)
    show_batch(data, names).savefig(args.run_dir / "augmented.png")

    model = build_model(args, names, scales)
    data = data.map(model.encode_targets).prefetch(2)
    epochs = args.epochs or math.ceil(args.steps / len(data))
    if epochs_done:
        print(f"resumed after {epochs_done} of {epochs} epochs")
    model.compile(optimizer(args, epochs * len(data)))
    if args.find_rate:
        found = kt.find_learning_rate(model, data)
        found.plot().savefig(args.run_dir / "rates.png")
        print(found)
        sys.exit()
    callbacks = [
        kt.callbacks.LearningRateMonitor(),
        keras.callbacks.CSVLogger(log, append=True),
        keras.callbacks.TensorBoard(args.run_dir / "tensorboard"),
        keras.callbacks.BackupAndRestore(
            args.run_dir / "backup", double_checkpoint=True
        ),
    ]
    if "validation" in splits:
        held = splits["validation"].batch(args.batch_size)
        callbacks.insert(0, kt.detection.CocoEvaluation(held))
    if args.doctor:
        callbacks.append(kt.callbacks.Doctor())
    model.fit(
        data,
        epochs=epochs,
        callbacks=callbacks,
        shuffle=False,  # the dataset shuffles
        verbose=args.verbose,
    )
    model.save(args.run_dir / "model.keras")
    return model, read_history(log)


def optimizer(args, steps):
    """Return Adam with a small rate that warms up and then falls to nothing."""
    rate = kt.schedules.WarmupCosine(args.learning_rate, steps, min(100, steps // 10))
    groups = None
    if args.weights != "none":
        groups = kt.optimizers.LayerGroups([TRUNK, ""], [args.trunk_rate, 1.0])
    return kt.optimizers.AdamW(
        rate, weight_decay=args.weight_decay, groups=groups, global_clipnorm=10.0
    )


def read_history(path):
    """Return the logged epochs as a dict of lists; of an epoch, the last record."""
    if not path.exists():
        return {}
    with open(path, newline="") as file:
        rows = {int(row.pop("epoch")): row for row in csv.DictReader(file)}
    history = {
        key: [
            float("nan" if row[key] in ("", "NA") else row[key])
            for row in rows.values()
        ]
        for key in rows[0]
    }
    return {
        key: values for key, values in history.items() if not np.isnan(values).all()
    }


# What came of it


def evaluate(model, data, names, batch_size):
    """Return average precisions on pictures, also by class."""
    metric = kt.detection.MeanAveragePrecision(class_names=names)
    for batch in data.batch(batch_size):
        found = model.predict(batch["images"], verbose=0)
        metric.update_state(batch["bounding_boxes"], found)
    return metric.result(), metric.per_class()


def show_batch(data, names):
    """Draw one batch as the network sees it."""
    batch = next(iter(data))
    boxes, labels = batch["bounding_boxes"].values()
    drawn = {"boxes": boxes, "scores": np.ones(labels.shape), "classes": labels}
    return kt.detection.draw_detections(batch["images"], drawn, names)


def show_detections(model, data, names):
    """Draw what is found in the first test pictures, and what is there."""
    batch = next(iter(data.batch(SHOWN)))
    found = model.predict(batch["images"], verbose=0)
    return kt.detection.draw_detections(
        batch["images"], found, names, batch["bounding_boxes"]
    )


def predict(photo, run_dir):
    """Draw the objects in a photo, by the weights of a finished run."""
    names = json.loads((run_dir / "settings.json").read_text())["classes"]
    model = keras.models.load_model(run_dir / "model.keras", compile=False)
    image = np.asarray(keras.utils.load_img(photo))
    found = model.predict(image[None], verbose=0)
    figure = kt.detection.draw_detections(image, found, names)
    figure.savefig(run_dir / "found.png", dpi=150)
    print(f"the picture is {run_dir / 'found.png'}")


def keep_settings(settings, run_dir):
    """Write down the settings of a run; refuse to go on with one of other settings."""
    path = run_dir / "settings.json"
    if any(run_dir.glob("backup/*")):
        before = json.loads(path.read_text())
        differ = {key for key in settings if before.get(key) != settings[key]}
        differ -= {"report", "verbose"}
        if differ:
            differ = ", ".join(sorted(differ))
            sys.exit(f"{run_dir} has an unfinished run with other settings ({differ})")
    run_dir.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=1))


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    switch = argparse.BooleanOptionalAction
    add = parser.add_argument_group("data").add_argument
    add("--voc-dir", type=pathlib.Path)
    add("--coco-json", type=pathlib.Path, help="annotations to train on")
    add("--coco-test-json", type=pathlib.Path, help="default: a fifth of the pictures")
    add("--image-dir", type=pathlib.Path, help="of COCO's pictures")
    add("--validation", type=float, default=0.0, help="share of the training pictures")
    add("--image-size", type=int, help="pixels")
    add = parser.add_argument_group("model").add_argument
    add("--weights", default="none", help="a file (.weights.h5, .npz) or 'imagenet'")
    add = parser.add_argument_group("training").add_argument
    add("--steps", type=int, default=1000, help="about so many, in whole epochs")
    add("--epochs", type=int, help="instead of --steps")
    add("--batch-size", type=int, default=8)
    add("--learning-rate", type=float, default=2e-3)
    add("--trunk-rate", type=float, default=0.1, help="share of it, given weights")
    add("--weight-decay", type=float, default=1e-4)
    add("--find-rate", action="store_true", help="look for a learning rate and stop")
    add("--doctor", action=switch, default=False, help="let the doctor watch")
    add("--seed", type=int, default=0)
    add = parser.add_argument_group("output").add_argument
    add("--run-dir", type=pathlib.Path, default="runs/ssd")
    add("--report", type=pathlib.Path, help="write the results as JSON")
    add("--predict", metavar="PHOTO", help="find the objects in a photo and stop")
    add("--verbose", type=int, choices=(0, 1, 2), default=1)
    args = parser.parse_args()
    offline = args.voc_dir is None and args.coco_json is None
    args.image_size = args.image_size or (160 if offline else 320)
    return args


def main():
    start = time.time()
    args = parse()
    if args.predict:
        predict(args.predict, args.run_dir)
        return
    splits, names, scales = load(args)
    settings = {**vars(args), "classes": names, "scales": scales}
    settings = json.loads(json.dumps(settings, default=str))
    keep_settings(settings, args.run_dir)
    model, history = train(args, splits, names, scales)

    precision, per_class = evaluate(model, splits["test"], names, args.batch_size)
    shown = show_detections(model, splits["test"], names)
    shown.savefig(args.run_dir / "detections.png")
    parts = {k: history[k] for k in ("boxes_loss", "classes_loss", "loss")}
    parts |= {k: v for k, v in history.items() if k == "val_map50"}
    kt.visualize.curves(parts).savefig(args.run_dir / "curves.png", dpi=110)
    report = {
        "settings": settings,
        "seed": args.seed,
        "mAP": precision["map"],
        "AP50": precision["map50"],
        "metrics": precision,
        "per_class": per_class,
        "history": history,
        "seconds": round(time.time() - start, 1),
    }
    path = args.report or args.run_dir / "report.json"
    path.write_text(json.dumps(report, indent=1))
    for name, of_class in per_class.items():
        print(f"{name:20} AP50 {of_class['ap50']:.3f}, {of_class['objects']} objects")
    print(
        f"mAP {report['mAP']:.3f}, AP50 {report['AP50']:.3f} on the test pictures, "
        f"{report['seconds']:.0f} s"
    )
    print(f"pictures, logs and weights are in {args.run_dir}, figures in {path}")


if __name__ == "__main__":
    main()
