"""What does not go together in a recipe, with the evidence: one function each.

A rule returns a sentence, or nothing where it does not apply or its evidence is thin.
"""

import keras
import numpy as np

from keras_tricks.optimizers.advise_weight_decay import SMALL_PARAMETERS

_GUIDE = "PaddleClas's training guide"
# ResNet18 with 11.7 million weights lost by label smoothing, ResNet50_vd with 25.6
# gained; between them nothing is published.
_TOO_SMALL_TO_SMOOTH = 12e6
_SMALL_DECAY = 4e-5  # the guide's most for small networks
_MILD_CROP = 0.2
# The guide recommends a cosine for 200 epochs; "ResNet strikes back" A3 has 100.
_LONG = 100
# PaddleClas fine-tunes for 20 epochs, without mixing.
_SHORT_FINE_TUNING = 20
_LARGE_DATA = 100_000  # the guide's word for it, in 2.2.9


def contradictions(recipe, model, labels):
    """Return the sentences of all rules that apply."""
    found = [rule(recipe) for rule in _OF_SETTINGS]
    found += [rule(recipe, labels) for rule in _OF_LABELS]
    if model is not None:
        found += [rule(recipe, model) for rule in _OF_MODEL]
    return [sentence for sentence in found if sentence]


def warmup_without_end(recipe):
    if recipe.warmup_epochs >= recipe.epochs:
        return (
            f"The warmup of {recipe.warmup_epochs:g} epochs does not end within "
            f"{recipe.epochs} epochs of training: the rate never falls. The guide and "
            "the recipes here warm up for 5 epochs of 100 or more."
        )
    return None


def cosine_in_few_epochs(recipe):
    if recipe.drops is None and not recipe.pretrained and recipe.epochs < _LONG:
        return (
            f"A cosine over {recipe.epochs} epochs has few epochs at a small rate, "
            f"which costs accuracy; {_GUIDE} (2.2.2.2) recommends it for about 200 and "
            "takes 120 epochs with drops at 30, 60 and 90 otherwise. Set `drops`, or "
            "train longer."
        )
    return None


def rate_for_another_batch_size(recipe):
    if recipe.scaling == "none" and recipe.batch_size != recipe.base_batch_size:
        return (
            f"The rate {recipe.base_rate:g} is for batch size {recipe.base_batch_size} "
            f"and is not scaled to {recipe.batch_size}. With SGD accuracy hardly "
            "depends on the batch size as long as the rate is proportional to it "
            "(Goyal et al., 2017). Set `scaling`."
        )
    return None


def mixing_in_short_fine_tuning(recipe):
    short = recipe.pretrained and recipe.epochs < _SHORT_FINE_TUNING
    if short and (recipe.mix_up or recipe.cut_mix):
        return (
            f"Mixing in a fine-tuning of {recipe.epochs} epochs: MixUp needs more "
            "epochs than training without it (Yu et al., 2021, arXiv 2101.04342), and "
            "PaddleClas fine-tunes for 20 epochs without it. Set `mix_up` and "
            "`cut_mix` to 0, or train longer."
        )
    return None


def class_ids_without_number(recipe, labels):
    mixes = recipe.mix_up or recipe.cut_mix
    if mixes and recipe.num_classes is None and (labels is None or _are_ids(labels)):
        return (
            "Mixing makes weights of classes from class ids, and needs to know how "
            "many classes there are: Keras 3.15.1's own MixUp turns ids into a matrix "
            "(batch, batch) without a word. Set `num_classes`, or give one-hot rows."
        )
    return None


def smoothed_labels_smoothed(recipe, labels):
    if labels is None or not recipe.label_smoothing or _are_ids(labels):
        return None
    labels = np.asarray(labels)
    # Mixed rows have two classes above 0, smoothed rows all.
    if labels.shape[-1] > 2 and (labels > 0).all():
        return (
            "Labels are smoothed twice: no entry of the given labels is 0, and the "
            f"loss smooths them again by {recipe.label_smoothing:g}. With 0.1 twice "
            "the right class has 0.81 instead of 0.9 before its share of the rest. "
            "Set `label_smoothing=0` or give plain labels."
        )
    return None


def smoothing_of_a_small_model(recipe, model):
    size = model.count_params()
    if recipe.label_smoothing and size <= _TOO_SMALL_TO_SMOOTH:
        return (
            f"Label smoothing {recipe.label_smoothing:g} on a model of {size:,} "
            "weights: on ImageNet it took ResNet18 (11.7 million) from 70.98 to 70.81, "
            f"but ResNet50_vd from 77.9 to 78.4 ({_GUIDE}, 2.2.5)."
        )
    return None


def strong_crop_on_a_small_model(recipe, model):
    size = model.count_params()
    is_strong = recipe.image_size is not None and recipe.crop_scale[0] < _MILD_CROP
    if is_strong and not recipe.pretrained and size <= SMALL_PARAMETERS:
        return (
            f"Crops down to {recipe.crop_scale[0]:g} of the area on a model of "
            f"{size:,} weights: on ImageNet, MobileNetV2_x0_25 had 52.35 with "
            f"a scale of (0.08, 1) and 53.18 with (0.2, 1) ({_GUIDE}, 2.2.6)."
        )
    return None


def strong_decay_of_a_small_model(recipe, model):
    size = model.count_params()
    # Small data sets ask for more decay, in the guide's own words.
    applies = recipe.algorithm == "SGD" and recipe.num_examples >= _LARGE_DATA
    if applies and recipe.weight_decay > _SMALL_DECAY and size <= SMALL_PARAMETERS:
        return (
            f"Weight decay {recipe.weight_decay:g} on a model of {size:,} weights: "
            "on ImageNet, MobileNetV1_x0_25 had 50.41 with 1e-4 and 51.45 "
            f"with 3e-5; {_GUIDE} (2.2.4) takes 1e-5 to 4e-5 for small networks."
        )
    return None


def probabilities_for_logits(recipe, model):
    last = model.layers[-1] if model.layers else None
    name = getattr(getattr(last, "activation", None), "__name__", "")
    if isinstance(last, keras.layers.Softmax) or name in ("softmax", "sigmoid"):
        return (
            f"The model ends with {name or 'softmax'}, and the loss takes logits: it "
            "would be applied again. Drop the activation of the last layer."
        )
    return None


def other_number_of_classes(recipe, model):
    outputs = getattr(model, "output_shape", None)
    if not isinstance(outputs, tuple) or recipe.num_classes in (None, outputs[-1]):
        return None
    return (
        f"The model has {outputs[-1]} outputs and the recipe {recipe.num_classes} "
        "classes. Set `num_classes`."
    )


def decay_of_another_kind(recipe, model):
    optimizer = getattr(model, "optimizer", None)
    decay = getattr(optimizer, "weight_decay", None)  # None in those of this package
    momentum = getattr(optimizer, "momentum", 0.0)
    if recipe.algorithm == "SGD" and decay and momentum:
        return (
            f"Keras's {type(optimizer).__name__}(weight_decay={decay:g}) is not the "
            f"decay of the sources: it leaves out the momentum {momentum:g} and is "
            f"about {1 / (1 - momentum):.0f} times weaker. (Measured in 200 steps "
            "without gradient, rate 0.1, momentum 0.9, decay 0.01: 1 becomes 0.819, in "
            "PyTorch 0.120.) Take `recipe.optimizer`."
        )
    return None


def compiled_rate_for_another_batch_size(recipe, model):
    optimizer = getattr(model, "optimizer", None)
    rate = optimizer.get_config().get("learning_rate") if optimizer else None
    if not isinstance(rate, float) or recipe.scaling == "none":
        return None
    fits = recipe.learning_rate / rate
    if np.isclose(rate, recipe.base_rate, rtol=1e-3) and not 0.5 <= fits <= 2:
        return (
            f"The compiled rate {rate:g} is for batch size {recipe.base_batch_size}; "
            f"for {recipe.batch_size} it is {recipe.learning_rate:g} (Goyal et al., "
            "2017). Take `recipe.optimizer`."
        )
    return None


def smoothing_by_halves(recipe, model):
    loss = getattr(model, "loss", None)
    smoothing = getattr(loss, "label_smoothing", 0)
    if isinstance(loss, keras.losses.BinaryCrossentropy) and smoothing:
        return (
            f"Keras's BinaryCrossentropy(label_smoothing={smoothing:g}) gives every "
            f"absent class {smoothing / 2:g} instead of {smoothing:g} / "
            f"{recipe.num_classes or 'classes'}, as timm's does. Take `recipe.loss`."
        )
    return None


def _are_ids(labels):
    return np.ndim(labels) < 2 or np.shape(labels)[-1] == 1


_OF_SETTINGS = (
    warmup_without_end,
    cosine_in_few_epochs,
    rate_for_another_batch_size,
    mixing_in_short_fine_tuning,
)
_OF_LABELS = (class_ids_without_number, smoothed_labels_smoothed)
_OF_MODEL = (
    smoothing_of_a_small_model,
    strong_crop_on_a_small_model,
    strong_decay_of_a_small_model,
    probabilities_for_logits,
    other_number_of_classes,
    decay_of_another_kind,
    compiled_rate_for_another_batch_size,
    smoothing_by_halves,
)
