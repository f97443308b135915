"""The recipe of torchvision's second weights, 80.858 % with a plain ResNet-50."""

from keras_tricks._checks import check_integer
from keras_tricks.recipes.recipe import Recipe

_EVERY = 32
# torchvision fills with 0 after normalization, which is the mean colour of ImageNet.
_GREY = 114

_SETTINGS = {
    "num_examples": (1_281_167, "ILSVRC"),
    "num_classes": (1_000, "ILSVRC"),
    "image_size": (176, "blog"),
    "batch_size": (1_024, "blog"),
    "epochs": (600, "blog"),
    "algorithm": ("SGD", "train.py"),
    "momentum": (0.9, "train.py"),
    "base_rate": (0.5, "blog"),
    "base_batch_size": (1_024, "blog"),
    "scaling": ("linear", "ours"),
    "warmup_epochs": (5, "blog"),
    "warmup_start": (0.01, "train.py"),
    "joint": ("after", "train.py"),
    "rate_changes": ("each epoch", "train.py"),
    "weight_decay": (2e-5, "blog"),
    "undecayed": ("norms", "blog"),
    "label_smoothing": (0.1, "blog"),
    "crop_scale": ((0.08, 1.0), "train.py"),
    "operations": (
        (
            ("RandomFlip", {"mode": "horizontal"}),
            ("TrivialAugment", {}),
            (
                "RandomErasing",
                {
                    "probability": 0.1,
                    "area": (0.02, 0.33),
                    "aspect": (0.3, 3.3),
                    "fill_value": _GREY,
                },
            ),
        ),
        "blog",
    ),
    "mix_up": (0.2, "blog"),
    "cut_mix": (1.0, "blog"),
    "average_every": (_EVERY, "train.py"),
}


def torchvision_2021(
    num_examples: int = 1_281_167,
    num_classes: int | None = 1_000,
    image_size: int | None = 176,
    batch_size: int = 1_024,
    epochs: int = 600,
    seed: int | None = None,
) -> Recipe:
    """Train as torchvision's `IMAGENET1K_V2` weights were trained in 2021.

    SGD at 0.5 for 1,024 pictures, 5 epochs of warmup, a cosine stepped once per epoch,
    TrivialAugment, random erasing, MixUp or CutMix, label smoothing, no weight decay on
    norms, an average of the weights.

    Args:
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
        >>> recipe = torchvision_2021(batch_size=256)
        >>> recipe.learning_rate, recipe.undecayed
        (0.125, 'norms')

    Reference:
        [Vryniotis, 2021](https://pytorch.org/blog/how-to-train-state-of-the-art-models-using-torchvision-latest-primitives/).
    """
    check_integer("batch_size", batch_size, 1)
    check_integer("epochs", epochs, 1)
    # What train.py makes of --model-ema-decay 0.99998: the same for every batch size.
    decay = 1 - min(2e-5 * batch_size * _EVERY / epochs, 1)
    recipe = Recipe.cited(
        name="torchvision's ResNet-50 of 2021",
        sources={
            "blog": "Vryniotis, 2021, 'How to train state-of-the-art models using "
            "TorchVision's latest primitives', pytorch.org/blog",
            "train.py": "github.com/pytorch/vision, references/classification/train.py",
            "resnet.py": "torchvision 0.28, models/resnet.py",
            "ILSVRC": "ImageNet-1k (ILSVRC 2012): 1,281,167 training pictures",
        },
        published=(
            "80.858 % ResNet-50, with all that is not included here [resnet.py]",
            "Added one by one: 76.130 before, 78.606 with long training, 78.796 with "
            "erasing, 79.114 smoothing, 79.232 MixUp, 79.510 CutMix, 80.036 decay, "
            "80.196 test size (FixRes), 80.450 average, 80.674 resize size, 80.858 "
            "repeated augmentation [blog]",
        ),
        not_included=(
            "Repeated augmentation, 4 times: 80.674 to 80.858.",
            "Evaluation at another size than training (FixRes): shorter side to 232, "
            "central crop of 224. 80.036 to 80.196, and 80.450 to 80.674.",
            "torchvision begins the average of the weights anew in each epoch of the "
            "warmup.",
        ),
        notes=(
            "average_decay follows batch_size and epochs as train.py does: call the "
            "function again rather than replace these two.",
            "Erasing fills with grey 114, ImageNet's mean: torchvision erases after "
            "normalization, with 0.",
        ),
        settings={**_SETTINGS, "average_decay": (decay, "train.py")},
    )
    return recipe.replace(
        num_examples=num_examples,
        num_classes=num_classes,
        image_size=image_size,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
    )
