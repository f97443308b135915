"""Procedure A2 of "ResNet strikes back": 300 epochs."""

from keras_tricks.recipes.recipe import Recipe

_PUBLISHED = Recipe.cited(
    name="ResNet strikes back, procedure A2",
    sources={
        "paper": "Wightman, Touvron and Jegou, 2021, arXiv 2110.00476",
        "mmpretrain": "github.com/open-mmlab/mmpretrain, "
        "configs/resnet/resnet50_8xb256-rsb-a2-300e_in1k.py, and its README",
        "timm": "timm 1.0.31: defaults of train.py and Lamb; results-imagenet.csv",
        "ML_Decoder": "github.com/Alibaba-MIIL/ML_Decoder, README: a command for A2",
        "KECAM": "github.com/leondgarse/keras_cv_attention_models, imagenet/README",
        "ILSVRC": "ImageNet-1k (ILSVRC 2012): 1,281,167 training pictures",
    },
    published=(
        "79.8 % ResNet-50 at 224 pixels [paper], 79.828 % [timm]",
        "79.55 % reproduced [mmpretrain]",
        "79.706 % reproduced in Keras, with batch size 128 [KECAM]",
    ),
    not_included=(
        "Repeated augmentation: every picture 3 times in a batch [mmpretrain].",
        "Stochastic depth 0.05, which belongs into the model: "
        "kt.layers.StochasticDepth [mmpretrain].",
        "Bicubic interpolation [mmpretrain]; here the crop is bilinear and RandAugment "
        "takes the nearest pixel.",
    ),
    notes=(
        "sqrt is timm's rule for LAMB. The sources disagree on the rate: 5e-3 is for "
        "2048 pictures in [mmpretrain] and for 512 in [KECAM] (lr_base_512); "
        "[ML_Decoder] has 4e-3 for 2048.",
        "Evaluation: shorter side to 236, central crop of 224 [mmpretrain].",
    ),
    settings={
        "num_examples": (1_281_167, "ILSVRC"),
        "num_classes": (1_000, "ILSVRC"),
        "image_size": (224, "mmpretrain"),
        "batch_size": (2_048, "mmpretrain"),
        "epochs": (300, "mmpretrain"),
        "algorithm": ("LAMB", "mmpretrain"),
        "base_rate": (5e-3, "mmpretrain"),
        "base_batch_size": (2_048, "mmpretrain"),
        "scaling": ("sqrt", "timm"),
        "warmup_epochs": (5, "mmpretrain"),
        "warmup_start": (1e-5 / 5e-3, "timm"),
        "joint": ("override", "timm"),
        "rate_changes": ("each epoch", "timm"),
        "weight_decay": (0.02, "mmpretrain"),
        "undecayed": ("norms and biases", "mmpretrain"),
        "clip_norm": (1.0, "timm"),
        "label_smoothing": (0.0, "ML_Decoder"),
        "target_threshold": (0.2, "ML_Decoder"),
        "crop_scale": ((0.08, 1.0), "mmpretrain"),
        "operations": (
            (
                ("RandomFlip", {"mode": "horizontal"}),
                (
                    "RandAugment",
                    {
                        "num_ops": 2,
                        "magnitude": 7,
                        "magnitude_std": 0.5,
                        "dialect": "timm_increasing",
                    },
                ),
            ),
            "mmpretrain",
        ),
        "mix_up": (0.1, "mmpretrain"),
        "cut_mix": (1.0, "mmpretrain"),
    },
)


def resnet_strikes_back_a2(
    num_examples: int = 1_281_167,
    num_classes: int | None = 1_000,
    image_size: int | None = 224,
    batch_size: int = 2_048,
    epochs: int = 300,
    seed: int | None = None,
) -> Recipe:
    """Train a ResNet with LAMB and binary cross-entropy for 300 epochs.

    Strong augmentation and mixing, where each mixed class counts as present: the loss
    asks of every class on its own whether it is there.

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
        >>> recipe = resnet_strikes_back_a2(batch_size=512)
        >>> recipe.learning_rate, recipe.target_threshold
        (0.0025, 0.2)

    Reference:
        [Wightman et al., 2021](https://arxiv.org/abs/2110.00476).
    """
    return _PUBLISHED.replace(
        num_examples=num_examples,
        num_classes=num_classes,
        image_size=image_size,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
    )
