"""Lines for a terminal: plain, or in colours where Rich is installed."""

import shutil

WIDTH = 80
_LONGEST = 100  # longer lines are hard to read


def width():
    """Return how many characters a line may have."""
    columns = shutil.get_terminal_size((WIDTH, 24)).columns
    return min(max(columns, 40), _LONGEST)


def joined(lines, colours=False):
    """Return lines, each a list of `(words, style)`, as one text.

    Args:
        lines: The lines; styles are those of Rich.
        colours: Whether the text may hold a terminal's codes.
    """
    lines = list(lines)
    if colours:
        try:
            return _coloured(lines)
        except ImportError:
            pass
    return "\n".join("".join(words for words, _ in line).rstrip() for line in lines)


def rich_text(lines):
    """Return the lines as one `rich.text.Text`."""
    from rich.text import Text

    parts = []
    for line in lines:
        parts += [*line, ("\n", "")]
    return Text.assemble(*parts[:-1])


def _coloured(lines):
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    with console.capture() as capture:
        console.print(rich_text(lines), end="")
    return capture.get()
