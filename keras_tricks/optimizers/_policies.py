"""What each optimizer here adds to its Keras model: a policy for every variable."""

import numbers
from typing import NamedTuple

import keras
from keras import ops

from keras_tricks._checks import check_number
from keras_tricks.optimizers._patterns import path_of
from keras_tricks.optimizers.adaptive_clipping import AdaptiveClipping
from keras_tricks.optimizers.weight_decay import WeightDecay

# Smallest epsilon: without one, a variable that has had no gradient is 0 / 0.
TINY = 1e-30


class Rule(NamedTuple):
    """How one variable is treated.

    Its decay goes into the gradient ("coupled"), onto the variable ("decoupled"), into
    the direction of the step ("inside"), or nowhere (`None`). It moves from step
    `start` on, or never if that is `None`.
    """

    path: str
    way: str | None
    clips: bool
    rate: float
    start: int | None


class Policies:
    """Stands before a Keras optimizer in the bases of a class that defines `move`.

    `move(gradient, variable, learning_rate)` is the formula of the optimizer, and
    `own_way` the way in which it decays. The policy is the attribute `decay`, for Keras
    acts on an optimizer's `weight_decay`, which stays `None`.
    """

    own_way = "coupled"

    def __init__(self, *, weight_decay, groups, adaptive_clipping, **kwargs):
        super().__init__(**kwargs)
        if groups is not None and not hasattr(groups, "of"):
            raise TypeError(f"`groups` must be LayerGroups. Received: groups={groups}.")
        self.decay = weight_decay
        self.groups = groups
        self.adaptive_clipping = adaptive_clipping
        if isinstance(weight_decay, numbers.Real):
            # As in PyTorch a mere number is for every variable.
            weight_decay = WeightDecay(weight_decay, min_rank=0)
        if isinstance(adaptive_clipping, numbers.Real):
            adaptive_clipping = AdaptiveClipping(adaptive_clipping)
        _check_kind("weight_decay", weight_decay, WeightDecay)
        _check_kind("adaptive_clipping", adaptive_clipping, AdaptiveClipping)
        self._decay = weight_decay
        self._clip = adaptive_clipping
        self._rules = ()

    @property
    def learning_rate(self):
        """The rate of this step, before the factors of groups."""
        # Keras 3.15.1 counts batches here, also where it accumulates gradients.
        if _is_schedule(self._learning_rate):
            return self._learning_rate(self.iterations)
        return super().learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        keras.optimizers.Optimizer.learning_rate.fset(self, learning_rate)

    @property
    def decayed(self):
        """Paths of the variables that decay, as soon as the optimizer is built."""
        return [rule.path for rule in self._rules if rule.way]

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        if self._decay is not None:
            self._decay.check(variables)
        if self._clip is not None:
            self._clip.check(variables)
        if self.groups is not None:
            self.groups.check([path_of(variable) for variable in variables])
        self._rules = tuple(self._rule(variable) for variable in variables)

    def apply(self, grads, trainable_variables=None):
        if self.groups is not None:
            rules = self._rules
            if trainable_variables is not None:
                trainable_variables = list(trainable_variables)
                self.build(trainable_variables)
                rules = map(self.rule_of, trainable_variables)
            # Before Keras clips: a closed group has no share in a global norm.
            grads = [
                gradient if gradient is None else self._if_open(rule, gradient)
                for gradient, rule in zip(grads, rules, strict=True)
            ]
        super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        rule = self.rule_of(variable)
        gradient = ops.cast(ops.convert_to_tensor(gradient), variable.dtype)
        is_open = self._if_open(rule, ops.ones((), variable.dtype))
        learning_rate = ops.cast(learning_rate, variable.dtype) * rule.rate * is_open
        if rule.clips:
            gradient = self._clip(gradient, variable)
        if rule.way == "coupled":
            gradient = gradient + variable * (self._decay.rate * is_open)
        if rule.way == "decoupled":
            self.assign(variable, variable * (1 - learning_rate * self._decay.rate))
        self.move(gradient, variable, learning_rate)

    def rule_of(self, variable):
        """Return the rule of a variable."""
        return self._rules[self._get_variable_index(variable)]

    def steps_of(self, variable):
        """Return which step of a variable this is, from 1: its first when it opens."""
        start = self.rule_of(variable).start or 0
        steps = ops.maximum(self.iterations - start, 0) + 1
        return ops.cast(steps, variable.dtype)

    def at_this_step(self, value, dtype):
        """Return the value of a schedule as a tensor, or a number as it is."""
        if _is_schedule(value):
            return ops.cast(value(self.iterations), dtype)
        return value

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        raise AttributeError(
            "What is excluded here would be lost in a saved model. Write "
            "`weight_decay=WeightDecay(rate, exclude=[...])` instead."
        )

    def get_config(self):
        config = {
            **super().get_config(),
            "weight_decay": self.decay,
            "groups": self.groups,
            "adaptive_clipping": self.adaptive_clipping,
        }
        return {name: _serialized(value) for name, value in config.items()}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        load = keras.saving.deserialize_keras_object
        return cls(
            **{
                name: load(value, custom_objects) if isinstance(value, dict) else value
                for name, value in config.items()
            }
        )

    def _rule(self, variable):
        path, way = path_of(variable), None
        if self._decay is not None and self._decay.decays(variable):
            ways = {None: self.own_way, True: "coupled", False: "decoupled"}
            way = ways[self._decay.coupled]
        clips = self._clip is not None and self._clip.clips(variable)
        rate, start = (1.0, 0) if self.groups is None else self.groups.of(path)
        return Rule(path, way, clips, rate, start)

    def _if_open(self, rule, value):
        """Return the value, or zeros before the variable's start."""
        if rule.start == 0:
            return value
        nothing = ops.zeros_like(value)
        if rule.start is None:
            return nothing
        return ops.where(self.iterations >= rule.start, value, nothing)


def check_number_or_schedule(name, value):
    """Raise unless `value` is a schedule or a number from 0 to 1."""
    if not _is_schedule(value):
        check_number(name, value, 0, 1)


def _is_schedule(value):
    return isinstance(value, keras.optimizers.schedules.LearningRateSchedule)


def _check_kind(name, value, kind):
    if value is not None and not isinstance(value, kind):
        raise TypeError(
            f"`{name}` must be a number, {kind.__name__} or None. "
            f"Received: {name}={value!r}."
        )


def _serialized(value):
    if hasattr(value, "get_config"):
        return keras.saving.serialize_keras_object(value)
    return value
