"""SharpnessAwareMinimization: take the gradient at the worst point nearby."""

import contextlib

import keras
from keras import ops

from keras_tricks._checks import check_integer, check_number
from keras_tricks.callbacks._training_step import batches_seen, unwrap, wrap


class SharpnessAwareMinimization(keras.callbacks.Callback):
    """Look for flat minima: train with the gradient at the worst point nearby.

        g = gradient(w);  w <- update(w, gradient(w + rho * g / ||g||))

    where the norm is that of all gradients together and the update is that of the
    optimizer that the model is compiled with. Both passes are in the one compiled
    step, which takes about twice as long (MobileNetV2: 1.9 times). Loss, metrics and
    the statistics of batch normalization are those of the first pass, at w; the second
    draws the same dropout.

    The whole training step is run twice, so a `train_step` of your own works too, if it
    calls the optimizer once. Under gradient accumulation each batch has a
    neighbourhood of its own. After `fit` the model is as before.

    Args:
        rho: Radius of the neighbourhood, in units of the weights; 0.05 is the paper's
            for ImageNet and CIFAR-10. Float, at least 0.
        interval: Steps of the optimizer from one with a second pass to the next;
            with 10, as Composer's authors use it, it adds a tenth. Integer, at least 1.

    Raises:
        TypeError: If `rho` is not a number, or `interval` is not an integer.
        ValueError: If an argument is out of its range. In `fit`: if the model is not
            built, is trained by several replicas of a `tf.distribute` strategy, or has
            a `train_step` that does not call the optimizer once.

    Example:
        >>> x, y = np.random.rand(8, 4), np.eye(3)[np.arange(8) % 3]
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        >>> model.compile("sgd", "mse")
        >>> sam = SharpnessAwareMinimization(rho=0.05)
        >>> history = model.fit(x, y, verbose=0, callbacks=[sam])

    Reference:
        [Foret et al., 2021](https://arxiv.org/abs/2010.01412). MosaicML Composer: 0.7 %
        more top-1 for ResNet-50 on ImageNet with `interval=10`.
    """

    def __init__(self, rho=0.05, interval=1):
        super().__init__()
        check_number("rho", rho, minimum=0)
        check_integer("interval", interval, 1)
        self.rho = rho
        self.interval = interval

    def on_train_begin(self, logs=None):
        _check_model(self.model)
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        wrap(self.model, self, self._sharpness_aware)

    def on_train_end(self, logs=None):
        unwrap(self.model, self)

    def _sharpness_aware(self, train_step):
        on_jax = keras.backend.backend() == "jax"
        two_passes = self._pure_step if on_jax else self._step_in_place
        return lambda *arguments: two_passes(train_step, *arguments)

    def _step_in_place(self, train_step, data):
        model, optimizer = self.model, self.model.optimizer
        states = model.non_trainable_variables
        before = [ops.copy(state) for state in states]
        rewind = _rewinder_of_torch()
        with _caught(optimizer) as caught:
            logs = train_step(data)
        gradients, variables = _only(caught)
        kept = [*variables, *states, *model.metrics_variables]

        def second():
            values = [ops.copy(variable) for variable in kept]
            _assign(variables, _worst(variables, gradients, self.rho))
            _assign(states, before)
            rewind()
            with _caught(optimizer) as caught:
                train_step(data)
            _assign(kept, values)
            return _only(caught)[0]

        gradients = self._choose(second, gradients, ())
        with _without_gradients_of_torch():
            optimizer.apply(gradients, variables)
        return logs

    def _pure_step(self, train_step, state, data):
        optimizer = self.model.optimizer
        trainable, states, slots, metrics = state
        with _caught(optimizer) as caught:
            logs, (_, new_states, _, new_metrics) = train_step(state, data)
        gradients, _ = _only(caught)

        def second():
            worst = _worst(trainable, gradients, self.rho)
            with _caught(optimizer) as caught:
                train_step((worst, states, slots, metrics), data)
            return _only(caught)[0]

        gradients = self._choose(second, gradients, (state,))
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return logs, (trainable, new_states, slots, new_metrics)

    def _choose(self, second, gradients, state):
        """Return the gradients of the second pass, or those of the first."""
        if self.interval == 1:
            return second()
        optimizer = self.model.optimizer
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        batches = batches_seen(self.model, state)
        step = batches // (inner.gradient_accumulation_steps or 1)
        return ops.cond(step % self.interval == 0, second, lambda: gradients)


def _check_model(model):
    if not model.built:
        raise ValueError(
            "SharpnessAwareMinimization needs a model that is built: give it a "
            "`keras.Input`, or call it on a batch before `fit`."
        )
    strategy = getattr(model, "distribute_strategy", None)
    if strategy is not None and strategy.num_replicas_in_sync > 1:
        raise ValueError(
            "SharpnessAwareMinimization cannot give each replica weights of its own. "
            f"Received: a strategy with {strategy.num_replicas_in_sync} replicas."
        )


@contextlib.contextmanager
def _caught(optimizer):
    """Catch the (gradients, variables) that a step gives to its optimizer."""
    caught = []

    def apply(gradients, trainable_variables=None):
        pairs = zip(gradients, trainable_variables, strict=True)
        # Dense, also those of an embedding; None where the loss does not depend.
        pairs = [(ops.convert_to_tensor(g), v) for g, v in pairs if g is not None]
        caught.append(tuple(map(list, zip(*pairs, strict=True))))

    def stateless_apply(optimizer_variables, gradients, trainable_variables):
        caught.append((gradients, trainable_variables))
        return trainable_variables, optimizer_variables

    optimizer.apply, optimizer.stateless_apply = apply, stateless_apply
    try:
        yield caught
    finally:
        del optimizer.apply, optimizer.stateless_apply


def _only(caught):
    if len(caught) != 1:
        raise ValueError(
            "SharpnessAwareMinimization needs a `train_step` that calls the optimizer "
            f"once. Received: {len(caught)} calls."
        )
    return caught[0]


def _worst(weights, gradients, rho):
    """Return weights + rho * gradients / ||gradients||."""
    squares = [ops.sum(ops.square(ops.cast(g, "float32"))) for g in gradients]
    scale = rho / ops.maximum(ops.sqrt(sum(squares)), 1e-12)
    return [
        w + ops.cast(scale, g.dtype) * g
        for w, g in zip(weights, gradients, strict=True)
    ]


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _rewinder_of_torch():
    """Return what sets torch's generator, from which dropout without a seed draws."""
    if keras.backend.backend() != "torch":
        return lambda: None
    import torch

    state, states = torch.get_rng_state(), torch.cuda.get_rng_state_all()

    def rewind():
        torch.set_rng_state(state)
        torch.cuda.set_rng_state_all(states)

    return rewind


def _without_gradients_of_torch():
    if keras.backend.backend() != "torch":
        return contextlib.nullcontext()
    import torch

    return torch.no_grad()
