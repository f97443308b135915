"""One sickness per file; a file's docstring is its page."""

import importlib
import pkgutil


def modules():
    """Return the modules of all rules by the name of their sickness."""
    found = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {
        name.replace("_", "-"): importlib.import_module(f"{__name__}.{name}")
        for name in found
    }
