"""A recipe as a card for the terminal: 80 columns at most."""

import textwrap

WIDTH = 80
_NONE = "none among the settings; recipe.problems(model, labels) looks further"


def card(recipe):
    """Return the card of a recipe as text."""
    parts = [
        f"{recipe.name}\n{'=' * len(recipe.name)}",
        _run(recipe),
        _table(recipe),
        _list("Published, not reproduced here", recipe.published),
        _list("Not included", recipe.not_included),
        _list("Notes", recipe.notes),
        _list("Contradictions", recipe.problems() or [_NONE]),
        _sources(recipe),
    ]
    return "\n\n".join(part for part in parts if part)


def _run(recipe):
    text = (
        f"{recipe.epochs} epochs of {recipe.steps_per_epoch:,} steps, "
        f"{recipe.total_steps:,} steps in all; peak learning rate "
        f"{recipe.learning_rate:.4g} at batch size {recipe.batch_size}."
    )
    return textwrap.fill(text, WIDTH)


def _table(recipe):
    """Return the settings that have an origin: the others are off."""
    rows = [("setting", "value", "from")]
    for name, value in recipe.settings.items():
        if name in recipe.origins and value is not None:
            rows += _rows(name, value, recipe.origins[name])
    first, second = (max(len(row[i]) for row in rows) for i in (0, 1))
    lines = []
    for name, value, origin in rows:
        start = f"{name:{first}}  {value:{second}}  "
        lines += textwrap.wrap(
            origin, WIDTH, initial_indent=start, subsequent_indent=" " * len(start)
        ) or [start.rstrip()]
    return "\n".join(lines)


def _rows(name, value, origin):
    if name != "operations":
        return [(name, _plain(value), origin)]
    rows = []
    for layer, arguments in value:
        rows.append((name, layer, origin))
        rows += [("", f"  {k}={_plain(v)}", "") for k, v in arguments.items()]
        name, origin = "", ""
    return rows


def _plain(value):
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_plain, value))})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return value if isinstance(value, str) else type(value).__name__


def _list(title, items):
    return "\n".join([title, *map(_item, items)]) if items else ""


def _item(text):
    return textwrap.fill(text, WIDTH, initial_indent="- ", subsequent_indent="  ")


def _sources(recipe):
    width = max(map(len, recipe.sources))
    lines = [
        textwrap.fill(
            text,
            WIDTH,
            initial_indent=f"{key:{width}}  ",
            subsequent_indent=" " * (width + 2),
            break_on_hyphens=False,
        )
        for key, text in recipe.sources.items()
    ]
    return "\n".join(["Sources", *lines])
