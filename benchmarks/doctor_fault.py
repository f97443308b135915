"""A fault, collections of faults, and the programs that they suit."""

import dataclasses
from collections.abc import Callable

CLASSES = ("ids", "one-hot")
LABELLED = ("ids", "one-hot", "binary")


@dataclasses.dataclass(frozen=True)
class Fault:
    """A change to a program, and the sicknesses it may be called."""

    labels: tuple
    change: Callable  # program -> program
    fits: Callable  # program -> whether the fault makes sense there
    certain: bool = False  # sick whatever the held-out score says


class Faults(dict):
    """Faults by name."""

    def fault(self, name, labels, fits=lambda p: True, certain=False):
        """Add the decorated change; `labels` are names with blanks between."""

        def add(change):
            self[name] = Fault(tuple(labels.split()), change, fits, certain)
            return change

        return add

    def parts(self, name, labels, fits=lambda p: True, certain=False, **changed):
        """Add a fault that only replaces parts."""
        self.fault(name, labels, fits, certain)(lambda p: p.but(**changed))


def kind(*kinds):
    return lambda p: p.kind in kinds


def one_unit(p):
    return p.kind == "binary" and p.units == 1


def numbers(p):
    return not p.tokens and p.rows > 100


def dense(p):
    return not p.picture and not p.tokens and p.rows > 100


def plain(p):
    """Many rows, from arrays, and no weights of the classes."""
    return p.feed == "arrays" and p.rows > 300 and not p.fit and not p.validation


def flat(p):
    return dense(p) and not p.norm


def ids(p):
    return p.kind == "ids" and plain(p)


def on_arrays(p):
    return p.feed == "arrays" and p.rows > 300
