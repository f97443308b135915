"""What a recipe turns into: schedule, optimizer, loss, augmentation, callbacks."""

import keras

from keras_tricks import callbacks, layers, losses, optimizers, schedules

# In Keras every normalization names its scale and shift so.
_NORMS = ("/gamma$", "/beta$")


def build_schedule(recipe):
    """Return the learning rate by step; a recipe counts epochs from its start."""
    peak, steps = recipe.learning_rate, recipe.steps_per_epoch
    warmup = round(recipe.warmup_epochs * steps)
    start, end = peak * recipe.warmup_start, peak * recipe.end
    if recipe.drops is not None:
        values = [peak * 0.1**i for i in range(len(recipe.drops) + 1)]
        schedule = schedules.Piecewise([e * steps for e in recipe.drops], values)
        schedule = schedules.Warmup(schedule, warmup, start, joint="override")
    elif recipe.joint == "after":
        schedule = schedules.WarmupCosine(peak, recipe.total_steps, warmup, start, end)
    else:
        schedule = schedules.Cosine(peak, recipe.total_steps, end)
        schedule = schedules.Warmup(schedule, warmup, start, joint=recipe.joint)
    if recipe.rate_changes == "each epoch":
        return schedules.Staircase(schedule, steps)
    return schedule


def build_optimizer(recipe):
    """Return the optimizer with its policy of weight decay."""
    decay = optimizers.WeightDecay(
        recipe.weight_decay,
        exclude=_NORMS if recipe.undecayed == "norms" else (),
        min_rank=2 if recipe.undecayed == "norms and biases" else 0,
    )
    arguments = {"weight_decay": decay, "groups": recipe.groups}
    if recipe.clip_norm is not None:
        arguments["global_clipnorm"] = recipe.clip_norm
    if recipe.algorithm == "LAMB":
        return optimizers.LAMB(recipe.schedule, **arguments)
    return optimizers.SGD(recipe.schedule, momentum=recipe.momentum, **arguments)


def build_loss(recipe):
    """Return the loss of logits."""
    if recipe.target_threshold is not None:
        return losses.MixedBinaryCrossentropy(
            recipe.label_smoothing, recipe.target_threshold
        )
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return losses.LabelSmoothing(entropy, recipe.label_smoothing)


def build_augmentation(recipe):
    """Return crop, operations and mixing as one layer, or `None` if there is none."""
    stack = []
    if recipe.image_size is not None:
        sides = (recipe.image_size, recipe.image_size)
        stack.append(layers.RandomResizedCrop(*sides, scale=recipe.crop_scale))
    for name, arguments in recipe.operations:
        source = layers if name in layers.__all__ else keras.layers
        stack.append(getattr(source, name)(**arguments))
    stack += _mixing(recipe)
    return layers.Pipeline(stack, seed=recipe.seed) if stack else None


def _mixing(recipe):
    """Return the mixing layer in a list; all recipes draw once per batch, as timm."""
    common = {"num_classes": recipe.num_classes, "mode": "batch"}
    mix_up, cut_mix = recipe.mix_up, recipe.cut_mix
    if mix_up and cut_mix:
        alphas = {"mix_up_alpha": mix_up, "cut_mix_alpha": cut_mix}
        return [layers.MixUpOrCutMix(**common, **alphas)]
    if mix_up:
        return [layers.MixUp(alpha=mix_up, **common)]
    return [layers.CutMix(alpha=cut_mix, **common)] if cut_mix else []


def build_callbacks(recipe):
    """Return the averaging of weights, if any, and what logs the learning rate."""
    found = [callbacks.LearningRateMonitor()]
    if recipe.average_decay is not None:
        every = recipe.average_every
        decay = recipe.average_decay ** (1 / every)  # per step
        found.append(callbacks.WeightAveraging(decay, warmup=False, every=every))
    return found
