"""The table of all tricks, read from their docstrings.

`python -m keras_tricks.catalogue` prints it; with `--write FILE` it replaces the parts
of a Markdown file between the marks of this table and of that of the doctor's rules.
"""

import argparse
import dataclasses
import importlib
import inspect
import pathlib
import re

from keras_tricks.doctor import rules

FAMILIES = (
    "schedules",
    "losses",
    "initializers",
    "layers",
    "optimizers",
    "finder",
    "callbacks",
    "detection",
    "doctor",
    "recipes",
    "datasets",
    "visualize",
)
BEGIN = "<!-- catalogue: begin -->"
END = "<!-- catalogue: end -->"
RULES_BEGIN = "<!-- rules: begin -->"
RULES_END = "<!-- rules: end -->"


@dataclasses.dataclass(frozen=True)
class Trick:
    """One public class or function of a family.

    Attributes:
        family: Name of the subpackage.
        name: Its name there.
        value: The class or function itself.
    """

    family: str
    name: str
    value: object

    @property
    def summary(self):
        """First line of the docstring, without its full stop."""
        return inspect.getdoc(self.value).splitlines()[0].rstrip(".")

    @property
    def reference(self):
        """Text of the `Reference:` section on one line, or an empty string."""
        return section(self.value, "Reference")


def tricks() -> list[Trick]:
    """Return every public class and function of every family, in alphabetical order."""
    found = []
    for family in FAMILIES:
        module = importlib.import_module(f"keras_tricks.{family}")
        values = {name: getattr(module, name) for name in sorted(module.__all__)}
        found += [Trick(family, n, v) for n, v in values.items() if callable(v)]
    return found


def section(value, title):
    """Return a section of a docstring on one line, or an empty string."""
    match = re.search(
        rf"^{title}:\n((?:[ ]{{4}}.*\n?|\n)*)", inspect.getdoc(value), re.MULTILINE
    )
    return " ".join(match[1].split()) if match else ""


def table() -> str:
    """Return the catalogue as a Markdown table."""
    rows = ["| | what it does | source |", "| --- | --- | --- |"]
    for trick in tricks():
        name = f"`{trick.family}.{trick.name}`"
        rows.append(f"| {name} | {trick.summary} | {trick.reference} |")
    return "\n".join(rows)


def rules_table() -> str:
    """Return the doctor's rules as a Markdown table, read from their pages."""
    rows = ["| rule | the sickness | judged |", "| --- | --- | --- |"]
    for name, module in rules.modules().items():
        times = ("before", "during")
        judged = ", ".join(time for time in times if hasattr(module, time))
        first = inspect.getdoc(module).splitlines()[0].rstrip(".")
        rows.append(f"| `{name}` | {first} | {judged} |")
    return "\n".join(rows)


def main():
    """Print the table or write it into a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", metavar="FILE", type=pathlib.Path)
    path = parser.parse_args().write
    if path is None:
        print(table())
        return
    text = path.read_text(encoding="utf-8")
    text = between(text, BEGIN, END, table())
    text = between(text, RULES_BEGIN, RULES_END, rules_table())
    path.write_text(text, encoding="utf-8")


def between(text, begin, end, new):
    """Return a text with another part between two marks, if it has them."""
    before, mark, rest = text.partition(begin)
    if not mark:
        return text
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{new}\n{end}{after}"


if __name__ == "__main__":
    main()
