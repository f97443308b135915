"""Wrap the training step of a model for the time of one `fit`."""


def wrap(model, owner, wrapper):
    """Train with `wrapper(train_step)`, around the wrappers of other callbacks.

    `unwrap` undoes it. If the fit is interrupted before, the next one does.
    """
    wrapped = vars(model).get("make_train_function")
    if not isinstance(wrapped, _Wrapped):
        wrapped = _Wrapped(model)
    if type(owner) in map(type, wrapped.wrappers):
        raise ValueError(f"One `fit` takes one {type(owner).__name__}.")
    wrapped.wrappers[owner] = wrapper
    wrapped.make()


def unwrap(model, owner):
    """Undo the `wrap` of this owner, if it is still there."""
    wrapped = vars(model).get("make_train_function")
    if isinstance(wrapped, _Wrapped) and wrapped.wrappers.pop(owner, None):
        wrapped.make()


def batches_seen(model, state):
    """Return how many batches the optimizer has seen, as it counts itself.

    `optimizer.iterations` is something else under gradient accumulation, and has no
    value inside a step of JAX, where all state is handed over as (trainable,
    non-trainable, optimizer, metrics).
    """
    variables = model.optimizer.variables
    # LossScaleOptimizer has a counter of its own before that of the inner optimizer.
    index = max(i for i, v in enumerate(variables) if v.name == "iteration")
    return state[0][2][index] if state else variables[index].value


class _Wrapped:
    """Stands for the `make_train_function` of a model with a wrapped step.

    Keras calls that at the begin of a `fit`, before its callbacks begin: what is left
    of an interrupted one is removed then.
    """

    def __init__(self, model):
        self.model = model
        self.wrappers = {}
        self.train_step = model.train_step
        self.make_train_function = model.make_train_function
        self.before = vars(model).get("train_step")
        model.make_train_function = self

    def __call__(self, force=False):
        self.wrappers.clear()
        return self.make()

    def make(self):
        model, step = self.model, self.train_step
        for wrapper in self.wrappers.values():
            step = wrapper(step)
        model.train_step = step
        if not self.wrappers:
            del model.make_train_function, model.train_step
            if self.before:
                model.train_step = self.before
        return self.make_train_function(force=True)
