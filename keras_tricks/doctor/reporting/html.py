"""A diagnosis as one HTML page that needs nothing beside it."""

import re

from keras_tricks.doctor.reporting.css import CSS
from keras_tricks.doctor.reporting.plots import plots_of
from keras_tricks.doctor.reporting.scale import printed
from keras_tricks.doctor.reporting.svg import escaped
from keras_tricks.doctor.reporting.words import (
    by_reason,
    counted,
    state,
    tally,
    verdict,
)

# Whatever a name in the report tries to be, the page loads nothing and runs nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_SIGNS = {
    "error": ('<circle cx="12" cy="12" r="11"/>', "M8 8l8 8m0-8l-8 8"),
    "warning": (
        '<path class="shape" d="M12 1.5l11 20.5h-22z"/>',
        "M12 9v6m0 3.4v.2",
    ),
    "note": ('<circle cx="12" cy="12" r="11"/>', "M12 11v6.5m0-11v.2"),
    "healthy": ('<circle cx="12" cy="12" r="11"/>', "M7 12.5l3.5 3.5l7-7.5"),
    "unknown": ('<circle cx="12" cy="12" r="11"/>', "M7 12h10"),
}
_SWATCHES = {
    "ring": '<circle cx="13" cy="6" r="4"',
    "dot": '<circle cx="13" cy="6" r="4"',
    "diamond": '<path d="M13 1l5 5l-5 5l-5-5z"',
    "cross": '<path d="M9 2l8 8m0-8l-8 8"',
    "band": '<rect x="1" y="1" width="24" height="10"',
    "bar": '<rect x="5" y="1" width="16" height="10"',
    "hit": '<rect x="5" y="1" width="16" height="10"',
    "miss": '<rect x="5" y="1" width="16" height="10"',
    "curve": '<path d="M1 6H25"',
}


def page(diagnosis):
    """Return the whole page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Training doctor: {escaped(verdict(diagnosis))}</title>"
        "<style>html, body { margin: 0; }</style></head>\n"
        f"<body>{fragment(diagnosis)}</body></html>\n"
    )


def fragment(diagnosis):
    """Return the report for a page that exists already, as a notebook's."""
    parts = [
        _verdict(diagnosis),
        _section("Findings", "", map(_card, diagnosis.findings)),
        _section("Measured", "plots", map(_figure, plots_of(diagnosis.instruments))),
        _facts(diagnosis.facts),
        _checked(diagnosis),
        _not_judged(diagnosis.not_judged),
        '<footer class="quiet">The page of a rule: <code>python -m keras_tricks.doctor '
        "explain NAME</code></footer>",
    ]
    return f'<style>{CSS}</style>\n<div class="doctor">{chr(10).join(parts)}</div>'


def _verdict(diagnosis):
    return (
        f'<section class="verdict {state(diagnosis)}">{_icon(state(diagnosis))}'
        f"<div><h1>{escaped(verdict(diagnosis))}</h1>"
        f'<p class="quiet">{escaped(" · ".join(tally(diagnosis)))}</p></div></section>'
    )


def _section(title, kind, parts):
    parts = list(parts)
    if not parts:
        return ""
    return (
        f'<section><h2>{title}</h2><div class="{kind}">{"".join(parts)}</div></section>'
    )


def _card(finding):
    severity = finding.severity
    rows = [("Change", f"<pre>{escaped(finding.fix)}</pre>")] if finding.fix else []
    rows += [("Tried", escaped(finding.tried))] if finding.tried else []
    entries = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    numbers = [[str(k), printed(v)] for k, v in finding.numbers.items()]
    return (
        f'<article class="card finding {severity}"><header>'
        f'<span class="badge">{_icon(severity)}{severity.capitalize()}</span>'
        f"<h3><code>{escaped(finding.name)}</code></h3>"
        f'<span class="quiet">{escaped(finding.where)}</span>'
        f'<span class="quiet sure">{100 * finding.confidence:.0f} % sure</span>'
        f'</header><p class="evidence">{escaped(finding.evidence)}</p>'
        f"<p>{escaped(finding.why)}</p>"
        f"{f'<dl>{entries}</dl>' if rows else ''}"
        f"{_table('Numbers', ['', ''], numbers)}</article>"
    )


def _figure(plot):
    legend = "".join(
        f"<li>{_swatch(kind)}{escaped(name)} "
        f'<span class="quiet">{escaped(course)}</span></li>'
        for name, kind, course in plot.legend
    )
    return (
        f'<figure class="card plot"><h3>{escaped(plot.title)}</h3>'
        f'<p class="quiet">{escaped(plot.caption)}</p>{plot.svg}'
        f'<ul class="legend">{legend}</ul>'
        f"{_table(plot.table, plot.head, plot.rows)}</figure>"
    )


def _facts(facts):
    entries = "".join(
        f"<div><dt>{escaped(name)}</dt><dd>{_breakable(printed(value))}</dd></div>"
        for name, value in facts.items()
    )
    return _section(
        "Facts", "card", [f'<dl class="facts">{entries}</dl>'] if facts else []
    )


def _checked(diagnosis):
    found = {finding.name: finding.severity for finding in diagnosis.findings}
    items = "".join(
        f'<li><code class="{f"found {found[name]}" if name in found else ""}">'
        f"{escaped(name)}</code></li>"
        for name in diagnosis.checked
    )
    title = f"Checked: {counted(len(diagnosis.checked), 'rule')}"
    return _section(title, "card", [f'<ul class="rules">{items}</ul>'] if items else [])


def _not_judged(not_judged):
    entries = "".join(
        f"<div><dt>{escaped(why)}</dt><dd>{escaped(', '.join(what))}</dd></div>"
        for why, what in by_reason(not_judged).items()
    )
    parts = [f'<dl class="reasons">{entries}</dl>'] if entries else []
    return _section("Not judged", "card", parts)


def _table(title, head, rows):
    if not rows:
        return ""
    lines = "".join(
        f"<tr>{''.join(f'<td>{escaped(entry)}</td>' for entry in row)}</tr>"
        for row in rows
    )
    names = "".join(f"<th>{escaped(name)}</th>" for name in head)
    top = f"<thead><tr>{names}</tr></thead>" if any(head) else ""
    return (
        f'<details><summary>{title}</summary><div class="scroll"><table>{top}'
        f"<tbody>{lines}</tbody></table></div></details>"
    )


def _breakable(text):
    return escaped(text).replace("_", "_<wbr>")


def _icon(severity):
    shape, sign = _SIGNS[severity]
    return (
        f'<svg viewBox="0 0 24 24" class="icon {severity}" aria-hidden="true">{shape}'
        f'<path class="sign" d="{sign}"/></svg>'
    )


def _swatch(kind):
    shape = next((word for word in kind.split() if word in _SWATCHES), "curve")
    kind = kind if re.search(rf"\b{shape}\b", kind) else f"{kind} {shape}"
    return (
        '<svg viewBox="0 0 26 12" aria-hidden="true">'
        f'{_SWATCHES[shape]} class="{kind}"/></svg>'
    )
