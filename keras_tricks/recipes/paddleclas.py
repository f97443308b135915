"""PaddleClas's comparison of augmentations on ResNet-50."""

from keras_tricks._checks import check_choice
from keras_tricks.recipes.recipe import Recipe

# Top-1 accuracy in [guide], and what stands between crop and mixing in [config].
_FIGURES = {
    "baseline": 77.31,
    "auto_augment": 77.95,
    "mix_up": 78.28,
    "cut_mix": 78.39,
    "cutout": 78.01,
    "grid_mask": 77.85,
    "rand_augment": 77.70,
    "random_erasing": 77.91,
    "hide_and_seek": 77.43,
}
_FLIP = ("RandomFlip", {"mode": "horizontal"})
# PaddleClas fills with 0 after normalization, which is the mean colour of ImageNet.
_GREY = 114
# Sizes as fractions of the image: 112 and 96 to 224 pixels of 224.
_OPERATIONS = {
    "auto_augment": ("AutoAugment", {"policy": "imagenet", "dialect": "paper"}),
    "cutout": ("Cutout", {"length": 0.5, "fill_value": _GREY}),
    "grid_mask": (
        "GridMask",
        {"ratio": 0.5, "mode": 0, "rotate": 1, "probability": 1.0, "fill_value": _GREY},
    ),
    "rand_augment": (
        "RandAugment",
        {"num_ops": 2, "magnitude": 5, "dialect": "paper"},
    ),
    "random_erasing": (
        "RandomErasing",
        {"area": (0.02, 0.4), "num_tries": 100, "fill_value": _GREY},
    ),
    "hide_and_seek": ("HideAndSeek", {"fill_value": _GREY}),
}

_MISSING = {
    "all": (
        "PaddleClas's crop: it draws the ratio of the sides uniformly and once; here "
        "it is log-uniform and drawn again if it does not fit, as in torchvision.",
    ),
    "grid_mask": (
        "The growth of the probability over the first 240 epochs: `ramp_steps` of "
        "GridMask, in `operations`.",
    ),
    "random_erasing": ("A uniform aspect of the erased box; here it is log-uniform.",),
}
_SETTINGS = {
    "num_examples": (1_281_167, "ILSVRC"),
    "num_classes": (1_000, "config"),
    "image_size": (224, "config"),
    "batch_size": (256, "guide"),
    "epochs": (300, "config"),
    "algorithm": ("SGD", "config"),
    "momentum": (0.9, "config"),
    "base_rate": (0.1, "config"),
    "base_batch_size": (256, "guide"),
    "scaling": ("linear", "guide"),
    "weight_decay": (1e-4, "config"),
    "undecayed": ("nothing", "config"),
    "crop_scale": ((0.08, 1.0), "guide"),
}


def paddleclas(
    augmentation: str = "cut_mix",
    num_examples: int = 1_281_167,
    num_classes: int | None = 1_000,
    image_size: int | None = 224,
    batch_size: int = 256,
    epochs: int = 300,
    seed: int | None = None,
) -> Recipe:
    """Train with one augmentation on top of crop and flip, as PaddleClas compares them.

    One row of its table: SGD with momentum, a cosine over 300 epochs from 0.1, weight
    decay 1e-4. All else equal, CutMix was the best of eight.

    Args:
        augmentation: `"baseline"` for crop and flip alone, or `"auto_augment"`,
            `"mix_up"`, `"cut_mix"`, `"cutout"`, `"grid_mask"`, `"rand_augment"`,
            `"random_erasing"`, `"hide_and_seek"`.
        num_examples: Training pictures. Integer, at least 1.
        num_classes: Classes, or `None` if labels come as one-hot rows.
        image_size: Height and width after the crop; `None` for no crop.
        batch_size: Examples per optimizer step. Integer, at least 1.
        epochs: Integer, at least 1.
        seed: Seed of the augmentation, or `None`.

    Returns:
        A `Recipe`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> recipe = paddleclas("mix_up", num_examples=50_000, num_classes=10)
        >>> recipe.mix_up, recipe.cut_mix, recipe.total_steps
        (0.2, 0.0, 58800)

    Reference:
        [PaddleClas](https://github.com/PaddlePaddle/PaddleClas), "Tricks for
        Training", section 2.2.7.
    """
    check_choice("augmentation", augmentation, tuple(_FIGURES))
    settings = {**_SETTINGS, **_augmentation(augmentation)}
    return _published(augmentation, settings).replace(
        num_examples=num_examples,
        num_classes=num_classes,
        image_size=image_size,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
    )


def _augmentation(name):
    operations = [_FLIP]
    if name in _OPERATIONS:
        operations.append(_OPERATIONS[name])
    settings = {"operations": (tuple(operations), "config")}
    return settings | ({name: (0.2, "config")} if name in ("mix_up", "cut_mix") else {})


def _published(augmentation, settings):
    baseline, figure = _FIGURES["baseline"], _FIGURES[augmentation]
    return Recipe.cited(
        name=f"PaddleClas's ResNet-50, {augmentation}",
        sources={
            "guide": "PaddleClas documentation, 'Tricks for Training', section 2.2",
            "config": "github.com/PaddlePaddle/PaddleClas, "
            "ppcls/configs/ImageNet/DataAugment/ResNet50_*.yaml",
            "ILSVRC": "ImageNet-1k (ILSVRC 2012): 1,281,167 training pictures",
        },
        published=(
            f"{figure:.2f} % ResNet50, {augmentation} [guide]",
            f"{baseline:.2f} % the same with crop and flip alone [guide]",
        ),
        not_included=_MISSING["all"] + _MISSING.get(augmentation, ()),
        notes=(
            "A configuration has 64 pictures per GPU; 256 in all is the guide's.",
            "Evaluation: shorter side to 256, central crop of 224 [config].",
        ),
        settings=settings,
    )
