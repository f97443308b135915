"""The peers of `augmentation.py`: each library's nearest setting to ours.

A function of the image size returns `{operation: start}`, and `start`, given images,
returns a function that augments them once more. Comments say where a peer differs.
"""

import functools
import os

import keras
import numpy as np
import tensorflow as tf

CLASSES = 100
CORES = os.cpu_count()


def in_tf_data(function):
    def start(dataset, calls=CORES):
        options = tf.data.Options()
        # By default tf.data also computes stateless maps, here only the cast, in
        # parallel, and all batches ahead: memory would not be that of the calls.
        options.experimental_optimization.map_parallelization = False
        options.experimental_optimization.inject_prefetch = False
        iterator = iter(dataset.map(function, calls).with_options(options))
        return lambda: tf.nest.flatten(next(iterator))[0]

    return start


def with_labels(images):
    labels = tf.one_hot(tf.range(len(images)) % CLASSES, CLASSES)
    return {"images": images, "labels": labels}


def on_images(*layers):
    def call(batch):
        return functools.reduce(lambda x, layer: layer(x), layers, batch["images"])

    return in_tf_data(call)


def keras_(size):
    layers = keras.layers
    pad, crop = layers.ZeroPadding2D(4), layers.RandomCrop(size, size)
    return {
        "MixUp": in_tf_data(layers.MixUp(alpha=0.2)),
        "CutMix": in_tf_data(layers.CutMix(factor=(1.0, 1.0))),
        "RandomErasing": on_images(layers.RandomErasing(fill_value=0.0)),  # no aspect
        "PadAndCrop": on_images(pad, crop),  # one place per batch
        "RandAugment": on_images(  # one choice of operations per batch
            layers.RandAugment(factor=0.3, interpolation="nearest")
        ),
        "AugMix": on_images(layers.AugMix(interpolation="nearest")),
    }


def keras_cv(size):
    from keras_cv import layers

    either = [layers.MixUp(alpha=0.8), layers.CutMix()]
    pad, crop = keras.layers.ZeroPadding2D(4), layers.RandomCrop(size, size)
    resized = layers.RandomCropAndResize((size, size), (0.08, 1.0), (3 / 4, 4 / 3))
    return {
        "MixUp": in_tf_data(layers.MixUp(alpha=0.2)),
        "CutMix": in_tf_data(layers.CutMix()),
        "MixUpOrCutMix": in_tf_data(layers.RandomChoice(either, batchwise=True)),
        "GridMask": on_images(layers.GridMask()),  # another geometry
        "Cutout": on_images(layers.RandomCutout(0.5, 0.5)),
        "RandomErasing": on_images(layers.RandomCutout((0.14, 0.57), (0.14, 0.57))),
        "RandomResizedCrop": on_images(resized),
        "PadAndCrop": on_images(pad, crop),
        "RandAugment": on_images(  # no rotation
            layers.RandAugment((0, 255), 2, magnitude=0.3, magnitude_stddev=0, rate=1)
        ),
        "AugMix": on_images(layers.AugMix((0, 255))),
        "FMix": in_tf_data(layers.FourierMix(alpha=1.0)),
        "Mosaic": in_tf_data(layers.Mosaic()),
    }


def keras_aug(size):
    from keras_aug.layers import vision

    def four(images):  # the other three images are the user's affair
        return mosaic(*(tf.roll(images, i, axis=0) for i in range(4)))

    mosaic = vision.Mosaic(size)
    return {
        "MixUp": in_tf_data(vision.MixUp(alpha=0.2)),
        "CutMix": in_tf_data(vision.CutMix()),
        "RandomErasing": on_images(vision.RandomErasing(p=1.0)),
        "RandomResizedCrop": on_images(vision.RandomResizedCrop(size)),
        "PadAndCrop": on_images(vision.Pad(size + 8), vision.RandomCrop(size)),
        "RandAugment": on_images(vision.RandAugment(interpolation="nearest")),
        "TrivialAugment": on_images(vision.TrivialAugmentWide(interpolation="nearest")),
        "Mosaic": on_images(four),
    }


def each(transform, prepare):
    def start(images):
        items = [prepare(image) for image in images]
        return lambda: [transform(item) for item in items]

    return start


def on_tensors(transform):
    torch, _ = import_torch()
    return each(transform, lambda x: torch.from_numpy(x.transpose(2, 0, 1).copy()))


def on_pil(transform):
    from PIL import Image

    return each(lambda image: np.asarray(transform(image)), Image.fromarray)


def on_arrays(transform):
    return each(lambda data: transform(**data)["image"], lambda x: {"image": x})


@functools.cache
def import_torch():
    import torch

    torch.set_num_threads(1)
    library = torch.library.Library("torchvision", "FRAGMENT")
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        # Built for another torch. The import looks for these two, nothing uses them.
        library.define("nms(Tensor x) -> Tensor")
        library.define("qnms(Tensor x) -> Tensor")
    return torch, library


def torchvision_transforms(size, convert=lambda transform: transform):
    import_torch()
    from torchvision.transforms import v2

    transforms = {
        "RandomResizedCrop": v2.RandomResizedCrop(size),
        "PadAndCrop": v2.RandomCrop(size, padding=4),
        "RandAugment": v2.RandAugment(num_ops=2, magnitude=9),
        "AutoAugment": v2.AutoAugment(),
        "TrivialAugment": v2.TrivialAugmentWide(),
        "AugMix": v2.AugMix(interpolation=v2.InterpolationMode.NEAREST),
    }
    return {name: convert(transform) for name, transform in transforms.items()}


def torchvision(size):
    torch, _ = import_torch()
    from torchvision.transforms import v2

    def on_batches(transform, dtype):  # one weight and one box per batch
        def start(images):
            images = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
            labels = torch.arange(len(images)) % CLASSES
            return lambda: transform(images.to(dtype), labels)[0]

        return start

    mix_ups = [v2.MixUp(alpha=alpha, num_classes=CLASSES) for alpha in (0.2, 0.8)]
    cut_mix = v2.CutMix(num_classes=CLASSES)
    either = v2.RandomChoice([mix_ups[1], cut_mix])
    return {
        **torchvision_transforms(size, on_tensors),
        "RandomErasing": on_tensors(v2.RandomErasing(p=1)),
        "MixUp": on_batches(mix_ups[0], torch.float32),  # it cannot blend integers
        "CutMix": on_batches(cut_mix, torch.uint8),
        "MixUpOrCutMix": on_batches(either, torch.float32),
    }


def timm(size):
    import_torch()
    from PIL.Image import Resampling
    from timm.data import auto_augment, mixup, random_erasing, transforms

    def mix(**alphas):
        collate = mixup.FastCollateMixup(mode="elem", num_classes=CLASSES, **alphas)

        def start(images):
            images = images.transpose(0, 3, 1, 2).copy()
            batch = [(image, i % CLASSES) for i, image in enumerate(images)]
            return lambda: collate(batch)[0]

        return start

    def policy(make, name):
        return on_pil(make(name, {"interpolation": Resampling.NEAREST}))

    erase = random_erasing.RandomErasing(probability=1, device="cpu")
    return {
        "MixUp": mix(mixup_alpha=0.2),
        "CutMix": mix(mixup_alpha=0.0, cutmix_alpha=1.0),
        "MixUpOrCutMix": mix(mixup_alpha=0.8, cutmix_alpha=1.0),
        "RandomErasing": on_tensors(lambda x: erase(x.clone())),  # it writes in place
        "RandomResizedCrop": on_pil(transforms.RandomResizedCropAndInterpolation(size)),
        # The same 9 as above, but of 10 levels instead of 30.
        "RandAugment": policy(auto_augment.rand_augment_transform, "rand-m9-n2-p1"),
        "AutoAugment": policy(auto_augment.auto_augment_transform, "original"),
        "AugMix": policy(auto_augment.augment_and_mix_transform, "augmix-m3-w3"),
    }


def albumentations(size):
    import albumentations as A  # noqa: N812
    import cv2

    cv2.setNumThreads(0)
    squares = A.GridDropout(0.4, unit_size_range=(size * 96 // 224, size - 1), p=1)
    hole = A.CoarseDropout((1, 1), (0.5, 0.5), (0.5, 0.5), p=1)
    mosaic = A.Mosaic(target_size=(size, size), cell_shape=(size, size), p=1)

    def mosaics(images):
        others = [{"image": image} for image in images[:3]]
        add = functools.partial(mosaic, mosaic_metadata=others)
        return on_arrays(add)(images)

    return {
        "GridMask": on_arrays(squares),  # not rotated
        "Cutout": on_arrays(hole),  # wholly inside the image
        "RandomErasing": on_arrays(A.Erasing(p=1)),
        # Does not average where it shrinks.
        "RandomResizedCrop": on_arrays(A.RandomResizedCrop((size, size))),
        "PadAndCrop": on_arrays(A.Compose([A.Pad(4), A.RandomCrop(size, size)])),
        "Mosaic": mosaics,
    }


IN_WORKERS = {
    "torchvision": torchvision,
    "torchvision (PIL)": lambda size: torchvision_transforms(size, on_pil),
    "timm": timm,
    "albumentations": albumentations,
}
