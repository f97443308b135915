"""A training recipe: its settings as plain data, and where each comes from."""

import dataclasses
import math
import warnings

from keras_tricks.recipes._build import (
    build_augmentation,
    build_callbacks,
    build_loss,
    build_optimizer,
    build_schedule,
)
from keras_tricks.recipes._card import card
from keras_tricks.recipes._contradictions import contradictions
from keras_tricks.recipes._settings import YOURS, check_settings
from keras_tricks.schedules import scale_learning_rate

_TEXT = ("name", "sources", "origins", "published", "not_included", "notes")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hold the settings of a training, and build from them what Keras takes.

    The functions of this family return recipes. `print(recipe)` shows one as a card:
    every setting with its source, the figure that was published with it, what of it is
    not here, and contradictions among the settings. `recipe.replace(epochs=30)` is the
    same recipe with another setting.

    `optimizer`, `loss`, `augmentation`, `callbacks` and `schedule` are made anew at
    each access, since an optimizer belongs to one model. The loss takes logits: the
    model ends without softmax. It takes class ids or one-hot rows; a metric takes only
    one of the two, so with mixing give validation labels as one-hot rows. Images stay
    in the range 0 to 255: normalize in the model, where it is saved with it.

    Args:
        name: What the card is headed with.
        sources: Dict from a short key to the full source.
        origins: Dict from the name of a setting to a key of `sources`, or to `"ours"`
            for what no source says and we chose. A setting that is left at its default
            needs none; it is not on the card then.
        published: Figures as sentences, each with the key of its source in brackets.
        not_included: What the published recipe has and this one has not.
        notes: Further sentences for the card.
        num_examples: Training pictures. Integer.
        num_classes: Classes, or `None` if labels come as one-hot rows.
        image_size: Height and width in pixels after the crop; `None` for no crop.
        batch_size: Examples per optimizer step, over all replicas. Integer.
        epochs: Integer.
        algorithm: Class of `kt.optimizers`: `"SGD"` or `"LAMB"`.
        momentum: Of SGD. Float in [0, 1).
        base_rate: Peak learning rate at `base_batch_size`.
        base_batch_size: Batch size that `base_rate` is for.
        scaling: How the rate follows `batch_size`: `"linear"`, `"sqrt"` or `"none"`.
        drops: Epochs at which the rate falls to a tenth, a tuple; `None` for a cosine.
        warmup_epochs: Length of the linear warmup in epochs.
        warmup_start: Rate at step 0 of the warmup, as a fraction of the peak.
        joint: What the warmup does to the schedule, see `kt.schedules.Warmup`.
        end: Rate at the end of the cosine, as a fraction of the peak.
        rate_changes: `"each step"` or `"each epoch"`.
        weight_decay: As PyTorch means it: coupled for SGD, in the trust ratio for LAMB.
        undecayed: What does not decay: `"nothing"`, `"norms"` or `"norms and biases"`.
        clip_norm: Largest norm of all gradients together, or `None`.
        label_smoothing: Float in [0, 1).
        target_threshold: `None` for cross-entropy. With a float it is binary: targets
            above become 1, the others 0.
        crop_scale: Least and largest area of the random crop.
        operations: Augmentations between crop and mixing: a tuple of pairs, the name
            of a layer of `kt.layers` or Keras and a dict of its arguments.
        mix_up: Alpha of MixUp; 0 for none. With both, one of the two by chance.
        cut_mix: Alpha of CutMix; 0 for none.
        average_decay: Decay of an average of the weights per update, or `None`.
        average_every: Steps between two updates of the average.
        pretrained: Whether the model comes with trained weights.
        groups: `LayerGroups` of the optimizer, or `None`.
        seed: Seed of the augmentation, or `None`.

    Raises:
        TypeError: If a setting is of the wrong kind.
        ValueError: If a setting is out of its range or has no origin.

    Example:
        >>> recipe = kt.recipes.paddleclas(num_examples=50_000, num_classes=10)
        >>> recipe.steps_per_epoch, recipe.replace(batch_size=32).learning_rate
        (196, 0.0125)

    Reference:
        Each recipe names its own.
    """

    name: str
    sources: dict
    origins: dict
    published: tuple = ()
    not_included: tuple = ()
    notes: tuple = ()
    num_examples: int
    num_classes: int | None
    image_size: int | None
    batch_size: int
    epochs: int
    algorithm: str = "SGD"
    momentum: float | None = None
    base_rate: float
    base_batch_size: int
    scaling: str
    drops: tuple | None = None
    warmup_epochs: float = 0
    warmup_start: float = 0.0
    joint: str = "after"
    end: float = 0.0
    rate_changes: str = "each step"
    weight_decay: float
    undecayed: str
    clip_norm: float | None = None
    label_smoothing: float = 0.0
    target_threshold: float | None = None
    crop_scale: tuple = (0.08, 1.0)
    operations: tuple = ()
    mix_up: float = 0.0
    cut_mix: float = 0.0
    average_decay: float | None = None
    average_every: int = 1
    pretrained: bool = False
    groups: object = None
    seed: int | None = None

    def __post_init__(self):
        check_settings(self)

    @classmethod
    def cited(cls, settings: dict, **text) -> "Recipe":
        """Return the recipe of settings that each stand beside their origin.

        Args:
            settings: Dict from the name of a setting to a pair, value and origin.
            **text: The other arguments of `Recipe`.
        """
        values = {name: value for name, (value, _) in settings.items()}
        origins = {name: origin for name, (_, origin) in settings.items()}
        return cls(**text, **values, origins=origins)

    def __str__(self):
        return card(self)

    @property
    def settings(self) -> dict:
        """All settings: what `replace` can change."""
        names = [field.name for field in dataclasses.fields(self)]
        return {name: getattr(self, name) for name in names if name not in _TEXT}

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of an epoch; the last batch may be smaller."""
        return math.ceil(self.num_examples / self.batch_size)

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole training."""
        return self.epochs * self.steps_per_epoch

    @property
    def learning_rate(self) -> float:
        """Peak learning rate at `batch_size`."""
        if self.scaling == "none":
            return self.base_rate
        return scale_learning_rate(
            self.base_rate, self.batch_size, self.base_batch_size, self.scaling
        )

    @property
    def schedule(self):
        """The learning rate as a function of the optimizer's step."""
        return build_schedule(self)

    @property
    def optimizer(self):
        """A new optimizer that follows `schedule`."""
        return build_optimizer(self)

    @property
    def loss(self):
        """A new loss that takes class ids or one-hot rows, and logits."""
        return build_loss(self)

    @property
    def augmentation(self):
        """A new layer for batches `(images, labels)`, or `None` if nothing changes."""
        return build_augmentation(self)

    @property
    def callbacks(self) -> list:
        """New callbacks for `fit`."""
        return build_callbacks(self)

    def replace(self, **changes) -> "Recipe":
        """Return this recipe with other settings; warns of new contradictions.

        Args:
            **changes: New values of settings, by name.
        """
        unknown = set(changes) - set(self.settings)
        if unknown:
            raise TypeError(
                f"A recipe has the settings {', '.join(self.settings)}. "
                f"Received: {', '.join(sorted(unknown))}."
            )
        origins = dict(self.origins)
        for name, value in changes.items():
            old, origin = getattr(self, name), origins.get(name)
            if value != old and origin is None:
                origins[name] = YOURS
            elif value != old and not origin.startswith(YOURS):
                origins[name] = f"{YOURS} ({origin}: {old})"
        recipe = dataclasses.replace(self, origins=origins, **changes)
        known = self.problems()
        for problem in recipe.problems():
            if problem not in known:
                warnings.warn(f"{self.name}: {problem}", stacklevel=2)
        return recipe

    def problems(self, model=None, labels=None) -> list[str]:
        """Return contradictions among the settings and with what they are used on.

        Args:
            model: The model to train, built; compiled or not.
            labels: A batch of labels as the data have them, before the augmentation.

        Returns:
            Sentences, each with its evidence and source. Empty if there is none.
        """
        return contradictions(self, model, labels)
