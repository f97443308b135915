"""Which values the settings of a recipe may have."""

import dataclasses

from keras_tricks._checks import check_choice, check_integer, check_number, check_range

# Origins beside the sources: chosen here, where no source says it, and by the user.
OURS, YOURS = "ours", "yours"


def check_settings(recipe):
    """Raise for a setting of a wrong kind, out of its range or without an origin."""
    for name in ("num_examples", "batch_size", "epochs", "base_batch_size"):
        check_integer(name, getattr(recipe, name), 1)
    check_integer("average_every", recipe.average_every, 1)
    for name, least in (("num_classes", 2), ("image_size", 1), ("seed", 0)):
        if getattr(recipe, name) is not None:
            check_integer(name, getattr(recipe, name), least)
    for name in ("base_rate", "weight_decay", "warmup_epochs", "mix_up", "cut_mix"):
        check_number(name, getattr(recipe, name), 0)
    for name in ("momentum", "clip_norm", "target_threshold", "average_decay"):
        if getattr(recipe, name) is not None:
            check_number(name, getattr(recipe, name), 0)
    for name in ("warmup_start", "end", "label_smoothing"):
        check_number(name, getattr(recipe, name), 0, 1)
    check_range("crop_scale", recipe.crop_scale, 0, 1, above=0)
    check_choice("algorithm", recipe.algorithm, ("SGD", "LAMB"))
    check_choice("scaling", recipe.scaling, ("linear", "sqrt", "none"))
    check_choice("joint", recipe.joint, ("after", "override", "meet"))
    check_choice("rate_changes", recipe.rate_changes, ("each step", "each epoch"))
    kinds = ("nothing", "norms", "norms and biases")
    check_choice("undecayed", recipe.undecayed, kinds)
    accepted = (*recipe.sources, OURS, YOURS)
    for field in dataclasses.fields(recipe):
        is_set = getattr(recipe, field.name) != field.default
        if is_set and field.name in recipe.settings:
            origin = recipe.origins.get(field.name, "").split(" ")[0]
            check_choice(f"origins[{field.name!r}]", origin, accepted)
