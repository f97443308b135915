"""The training guide of PaddleClas, for a network of the size of ResNet-50."""

from keras_tricks.recipes.recipe import Recipe

_PUBLISHED = Recipe.cited(
    name="ResNet-50 on ImageNet, after PaddleClas's training guide",
    sources={
        "guide": "PaddleClas documentation, 'Tricks for Training', section 2.2",
        "config": "github.com/PaddlePaddle/PaddleClas, "
        "ppcls/configs/ImageNet/ResNet/ResNet50_vd.yaml (0f86c555)",
        "zoo": "PaddleClas documentation, accuracies of ResNet and ResNet_vd",
        "ILSVRC": "ImageNet-1k (ILSVRC 2012): 1,281,167 training pictures",
    },
    published=(
        "79.1 % ResNet50_vd with this configuration [zoo]",
        "78.04 % ResNet50 with decay 7e-5 and 77.65 % with 1e-4, when the augmentation "
        "was 'more complicated'; which, it does not say [guide]",
        "78.4 % ResNet50_vd with label smoothing, 77.9 % without [guide]",
        "76.5 % ResNet50 with drops at 30, 60 and 90 of 120 epochs, decay 1e-4, "
        "neither smoothing nor mixing [zoo]",
    ),
    not_included=(
        "PaddleClas's crop: it draws the ratio of the sides uniformly and once; here "
        "it is log-uniform and drawn again if it does not fit, as in torchvision.",
    ),
    notes=(
        "ResNet50_vd has another stem and other shortcuts than Keras's ResNet50: "
        "compare with the figures of ResNet50.",
        "The guide advises a warmup of 5 epochs for large batches; the configuration, "
        "for 256, has none: replace(warmup_epochs=5).",
        "Evaluation: shorter side to 256, central crop of 224 [config].",
    ),
    settings={
        "num_examples": (1_281_167, "ILSVRC"),
        "num_classes": (1_000, "config"),
        "image_size": (224, "config"),
        "batch_size": (256, "config"),
        "epochs": (200, "config"),
        "algorithm": ("SGD", "guide"),
        "momentum": (0.9, "config"),
        "base_rate": (0.1, "guide"),
        "base_batch_size": (256, "guide"),
        "scaling": ("linear", "guide"),
        "weight_decay": (7e-5, "guide"),
        "undecayed": ("nothing", "config"),
        "label_smoothing": (0.1, "guide"),
        "crop_scale": ((0.08, 1.0), "guide"),
        "operations": ((("RandomFlip", {"mode": "horizontal"}),), "guide"),
        "mix_up": (0.2, "config"),
    },
)


def imagenet_resnet50(
    num_examples: int = 1_281_167,
    num_classes: int | None = 1_000,
    image_size: int | None = 224,
    batch_size: int = 256,
    epochs: int = 200,
    seed: int | None = None,
) -> Recipe:
    """Train a network of the size of ResNet-50 as PaddleClas's guide advises.

    SGD with momentum, a cosine over 200 epochs, the rate linear in the batch size,
    weight decay 7e-5, label smoothing and MixUp.

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
        >>> recipe = imagenet_resnet50(batch_size=64)
        >>> recipe.learning_rate, recipe.total_steps
        (0.025, 4003800)

    Reference:
        [PaddleClas](https://github.com/PaddlePaddle/PaddleClas), "Tricks for
        Training".
    """
    return _PUBLISHED.replace(
        num_examples=num_examples,
        num_classes=num_classes,
        image_size=image_size,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
    )
