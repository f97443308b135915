"""Fine-tuning a network with ImageNet's weights on a data set of one's own."""

from keras_tricks.optimizers import fine_tuning_rate
from keras_tricks.recipes.recipe import Recipe

_SETTINGS = {
    "image_size": (224, "flowers"),
    "batch_size": (32, "flowers"),
    "epochs": (20, "flowers"),
    "algorithm": ("SGD", "flowers"),
    "momentum": (0.9, "flowers"),
    "base_batch_size": (256, "guide"),
    "scaling": ("linear", "guide"),
    "weight_decay": (1e-6, "flowers"),
    "undecayed": ("nothing", "flowers"),
    "crop_scale": ((0.08, 1.0), "guide"),
    "operations": ((("RandomFlip", {"mode": "horizontal"}),), "flowers"),
    "pretrained": (True, "guide"),
}


def fine_tune(
    num_examples: int,
    num_classes: int | None,
    image_size: int | None = 224,
    batch_size: int = 32,
    epochs: int = 20,
    groups: object = None,
    seed: int | None = None,
) -> Recipe:
    """Fine-tune given weights with a rate by the size of the data set.

    SGD with momentum and a cosine as in PaddleClas's run on 1,020 flowers, at the rate
    of its guide: 0.001 for less than 1,000 pictures, 0.01 for more than 100,000, at
    batch size 256. The two sources differ by a factor of 30; the card quotes both.

    Args:
        num_examples: Training pictures. Integer, at least 1.
        num_classes: Classes, or `None` if labels come as one-hot rows.
        image_size: Height and width after the crop; `None` for no crop.
        batch_size: Examples per optimizer step. Integer, at least 1.
        epochs: Integer, at least 1.
        groups: `LayerGroups`, to train the new head first or the body more slowly, or
            `None` to train all alike.
        seed: Seed of the augmentation, or `None`.

    Returns:
        A `Recipe`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> recipe = fine_tune(num_examples=900, num_classes=100)
        >>> recipe.base_rate, recipe.learning_rate, recipe.total_steps
        (0.001, 0.000125, 580)

    Reference:
        [PaddleClas](https://github.com/PaddlePaddle/PaddleClas), "Tricks for
        Training", section 2.2.9.
    """
    rate = fine_tuning_rate(num_examples)
    is_said = num_examples < 1_000 or num_examples > 100_000
    recipe = Recipe.cited(
        name="Fine-tuning",
        sources={
            "guide": "PaddleClas documentation, 'Tricks for Training', 2.2.9",
            "flowers": "github.com/PaddlePaddle/PaddleClas, "
            "ppcls/configs/quick_start/ResNet50_vd_finetune.yaml (f6da3bd6) and the "
            "documentation of the quick start",
            "Min": "Hong Min, 2019, 'Trials, errors and trade-offs in my deep learning "
            "model'",
        },
        published=(
            "94.02 % ResNet50_vd, 102 flowers, 1,020 training pictures, at 0.03 per "
            "256 pictures; another page says 92.71 % [flowers]",
            "94.99 % DenseNet121, 102 flowers, 6,552 training pictures, the body "
            "frozen, Adam with amsgrad at 1e-4, 26 epochs [Min]",
        ),
        notes=(
            "The rates disagree. [guide]: 0.001 per 256 below 1,000 pictures, lest the "
            "given weights be lost; 0.01 or more above 100,000; between them, ours, "
            "0.001 * sqrt(pictures / 1000). [flowers]: 0.03 per 256 for 1,020.",
            "Measured here: 300 pictures of 10 birds (CUB-200-2011, 96 pixels), "
            "MobileNetV2 with its batch norms frozen, 5 epochs, seeds 0 and 1: 0.616 "
            "and 0.612 of 281 test pictures at 0.001, 0.085 and 0.075 at 0.03, which "
            "is chance; 0.601 at 0.004 (seed 0). Other networks bear more: see "
            "kt.find_learning_rate, and replace(base_rate=...).",
            "Train the head first: groups=kt.optimizers.layer_groups(model, [head], "
            "starts=steps).",
            "Images stay 0 to 255: what the given weights were trained on "
            "(keras.applications' preprocess_input) belongs into the model.",
        ),
        settings={
            **_SETTINGS,
            "num_examples": (num_examples, "yours"),
            "num_classes": (num_classes, "yours"),
            "base_rate": (rate, "guide" if is_said else "ours"),
        },
    )
    return recipe.replace(
        image_size=image_size,
        batch_size=batch_size,
        epochs=epochs,
        groups=groups,
        seed=seed,
    )
