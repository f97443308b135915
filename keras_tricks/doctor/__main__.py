"""`python -m keras_tricks.doctor explain lr-high`: the pages of the rules."""

import argparse
import difflib
import inspect
import re
import sys
import textwrap

from keras_tricks.doctor import rules
from keras_tricks.doctor.reporting import terminal as _terminal

_HEAD = re.compile(r"([A-Z]\w+:)(\s.*|$)", re.DOTALL)  # "Seen: the loss is NaN"


def main(arguments=None):
    """Run the command and return its exit code: 2 when a name is unknown."""
    parser = argparse.ArgumentParser(
        "python -m keras_tricks.doctor", description="The pages of the doctor's rules."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("rules", help="list all rules")
    explain = commands.add_parser("explain", help="print the page of a rule")
    explain.add_argument("name", nargs="+", help="name of a sickness, as lr-high")
    parsed = parser.parse_args(arguments)
    pages = {name: _text_of(rule) for name, rule in rules.modules().items()}
    if parsed.command == "rules":
        _print(_list(pages))
        return 0
    names = [name.lower().replace("_", "-") for name in parsed.name]
    unknown = [name for name in names if name not in pages]
    for name in unknown:
        print(_not_known(name, pages), file=sys.stderr)
    for name in names:
        if name in pages:
            _print(_page(name, pages[name]))
    return 2 if unknown else 0


def _text_of(rule):
    """Return a rule's page, with the values of the constants that it names."""
    page = inspect.getdoc(rule) or ""
    named = [name for name in re.findall(r"`([A-Z_]+)`", page) if hasattr(rule, name)]
    values = [f"{name} = {getattr(rule, name)}" for name in dict.fromkeys(named)]
    return f"{page}\n\nNumbers: {', '.join(values)}." if values else page


def _not_known(name, pages):
    near = difflib.get_close_matches(name, pages)
    near += [other for other in pages if name in other and other not in near]
    hint = "All of them: python -m keras_tricks.doctor rules"
    if near:
        hint = f"Did you mean {' or '.join(near[:3])}?"
    return f"There is no rule named {name}. {hint}"


def _list(pages):
    """Yield lines of `(words, style)`: names and what they are."""
    room = max(map(len, pages), default=0) + 2
    for name, page in pages.items():
        first = page.split("\n", 1)[0]
        lines = textwrap.wrap(first, max(_terminal.width() - room, 20)) or [""]
        yield [(f"{name:{room}}", "bold cyan"), (lines[0], "")]
        for line in lines[1:]:
            yield [(" " * room + line, "")]


def _page(name, page):
    """Yield lines of `(words, style)`; paragraphs are filled, code is left alone."""
    summary, _, rest = page.partition("\n")
    yield [(name, "bold cyan")]
    for line in textwrap.wrap(summary, _terminal.width()):
        yield [(line, "bold")]
    for paragraph in re.split(r"\n\s*\n", rest.strip("\n")):
        yield []
        yield from _paragraph(paragraph)
    yield []


def _paragraph(paragraph):
    prose = []
    for line in paragraph.split("\n"):
        if not line.startswith("    "):
            prose.append(line)
            continue
        yield from _filled(prose)
        prose = []
        yield [(line, "cyan")]
    yield from _filled(prose)


def _filled(prose):
    head = _HEAD.match("\n".join(prose))
    for index, line in enumerate(textwrap.wrap(" ".join(prose), _terminal.width())):
        if head and index == 0:
            yield [(head[1], "bold yellow"), (line[len(head[1]) :], "")]
        else:
            yield [(line, "")]


def _print(lines):
    print(_terminal.joined(lines, colours=sys.stdout.isatty()))


if __name__ == "__main__":
    sys.exit(main())
