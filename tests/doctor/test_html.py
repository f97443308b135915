import html.parser
import re
import xml.etree.ElementTree

import numpy as np
import pytest

from keras_tricks.doctor.diagnosis import Diagnosis
from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.reporting import html as _html

HOSTILE = "</svg></style><script>alert(1)</script>\"'><img src=x>\x1b\u202e\ud800"
VOID = {"meta", "circle", "path", "wbr"}
NAN = float("nan")


def finding(severity="error", text="text", **more):
    return Finding("lr-high", severity, text, text, text, text, text, 0.9, **more)


def page(instruments=None, findings=(), **more):
    return Diagnosis(list(findings), instruments=instruments or {}, **more).to_html()


def drawings(text, title=""):
    found = [
        xml.etree.ElementTree.fromstring(svg)
        for svg in re.findall(r'<svg viewBox="0 0 400.*?</svg>', text, re.DOTALL)
    ]
    return [svg for svg in found if title in svg.get("aria-label")]


def marks(svg, kind):
    return [e for e in svg.iter() if kind in e.get("class", "").split()]


def line(svg, style):
    (found,) = [e for e in marks(svg, "curve") if e in marks(svg, style)]
    return found


def ends_of(curve):
    numbers = re.findall(r"[\d.]+", curve.get("d"))
    return [float(number) for number in (*numbers[:2], *numbers[-2:])]


class Reader(html.parser.HTMLParser):
    """Collects the tags of a page and checks that each is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.attributes = [], set(), []

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def read(text):
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def layers(count, name="layer"):
    return [
        {"layer": f"{name}{i}", "mean": 0.1, "std": 2.0**-i, "dead": 0.5}
        for i in range(count)
    ]


def everything(name):
    return {
        "curves": {name: [2.0, 1.0], "as planned": [2.0, NAN, 3.0, float("inf")]},
        "epochs": {"loss": [2.0, 1.0], "val_loss": [2.0, 3.0], name: [1.0, 2.0]},
        "signal": layers(3, name),
        "gradients": [{"variable": name, "gradient": 1e-9, "weight": 1.0}],
        "updates": [{"variable": name, "ratio": 1e-3}],
        "confusion": {"labels": [name, "b"], "counts": [[3, 1], [2, 4]]},
    }


@pytest.mark.parametrize("name", ["dense", HOSTILE])
def test_page_is_well_formed_and_loads_and_runs_nothing(name):
    text = page(
        everything(name),
        [finding(text=name, numbers={name: 1.0}), finding("note")],
        checked=[name],
        not_judged=[(name, name)],
        facts={name: name},
    )
    text.encode("utf-8")
    reader = read(text)
    assert not reader.seen & {"script", "img", "link", "iframe", "object", "image"}
    names = {key for key, _ in reader.attributes}
    assert not names & {"src", "href", "style", "onerror", "onload"}
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert len(drawings(text)) == 8
    assert not {"\x1b", "\u202e"} & set(text)


def test_no_instrument_no_plot():
    assert drawings(page()) == []


@pytest.mark.parametrize(
    ("instrument", "titles"),
    [
        ("curves", ["Loss per step"]),
        ("epochs", ["Epochs: loss", "Epochs: accuracy"]),
        ("signal", ["Signal through depth", "Dead and saturated units"]),
        ("gradients", ["Gradients"]),
        ("updates", ["Update to weight ratios"]),
        ("confusion", ["Confusion matrix"]),
    ],
)
def test_each_instrument_is_drawn_when_it_is_there(instrument, titles):
    given = {instrument: everything("accuracy")[instrument]}
    found = drawings(page(given))
    assert [svg.get("aria-label") for svg in found] == titles


@pytest.mark.parametrize("empty", [None, [], {}])
def test_empty_instruments_are_left_out(empty):
    assert drawings(page(dict.fromkeys(everything("a"), empty))) == []


def test_severity_is_a_word_beside_its_colour():
    text = page(findings=[finding("error"), finding("warning"), finding("note")])
    for word in ("Error", "Warning", "Note"):
        assert re.search(rf"</svg>{word}</span>", text)


@pytest.mark.parametrize(
    ("severities", "state", "word"),
    [
        (["warning", "error"], "error", "keeps this network from learning"),
        (["warning"], "warning", "can learn"),
        (["note"], "healthy", "Healthy"),
        ([], "healthy", "Healthy"),
    ],
)
def test_verdict_stands_first(severities, state, word):
    text = page(findings=map(finding, severities), checked=["lr-high"])
    assert f'class="verdict {state}"' in text
    assert word in re.search("<h1>(.*?)</h1>", text)[1]
    order = [text.find(part) for part in ("<h1>", "Findings</h2>", "Checked: 1 rule<")]
    assert order[:2] == sorted(order[:2]) or not severities
    assert order[2] > order[0]


def test_card_without_trial_or_numbers_leaves_them_out():
    card = page(findings=[Finding("lr-high", "error", "w", "e", "y", "fix")])
    assert "Tried" not in card
    assert "Numbers" not in card
    assert "Tried" in page(findings=[finding()])
    assert "<td>rate</td><td>0.5</td>" in page(
        findings=[finding(numbers={"rate": 0.5})]
    )


def test_curve_goes_where_its_numbers_say():
    curves = {"as planned": [4.0, 3.0, 2.0], "other": [4.0, 1.0, 0.0]}
    (svg,) = drawings(page({"curves": curves}))
    own, other = line(svg, "s0"), line(svg, "s1")
    left, top, right, bottom = ends_of(own)
    assert (left, top) == tuple(ends_of(other)[:2])
    assert right == ends_of(other)[2] > left
    # 4 → 2 falls half as far as 4 → 0.
    assert bottom - top == pytest.approx((ends_of(other)[3] - top) / 2, abs=0.11)


def test_wide_range_of_losses_is_logarithmic():
    curves = {"as planned": [100.0, 10.0, 1.0]}
    (svg,) = drawings(page({"curves": curves}))
    (curve,) = marks(svg, "curve")
    heights = [float(pair.split()[1]) for pair in curve.get("d")[1:].split("L")]
    assert heights[2] - heights[1] == pytest.approx(heights[1] - heights[0], abs=0.11)


def test_curve_is_broken_at_values_that_are_not_finite_and_says_where_it_was_lost():
    curves = {"as planned": [3.0, 2.5, NAN, 2.0, 1.5, float("inf"), NAN]}
    text = page({"curves": curves})
    (svg,) = drawings(text)
    assert len(marks(svg, "curve")) == 2
    assert len(marks(svg, "cross")) == 1
    assert "3 → 1.5, ∞ from step 6" in text
    assert not re.search(r'="[^"]*\b(nan|inf)', text)


def test_curve_without_any_finite_value_is_said_to_have_none():
    text = page({"curves": {"as planned": [NAN, NAN]}})
    assert "no finite value" in text
    assert "not finite from the first step" in text


def test_explosion_does_not_flatten_the_other_curves():
    curves = {"as planned": [2.0, 1e10, 1e30], "rate 0.001": [2.0, 1.0, 0.5]}
    (svg,) = drawings(page({"curves": curves}))
    _, top, _, bottom = ends_of(line(svg, "s1"))
    assert bottom - top > 20


def test_long_curve_keeps_its_spike():
    losses = [1.0] * 5000
    losses[2503] = 3.0
    (svg,) = drawings(page({"curves": {"as planned": losses}}))
    (curve,) = marks(svg, "curve")
    points = [float(pair.split()[1]) for pair in curve.get("d")[1:].split("L")]
    assert len(points) < 500
    assert max(points) - min(points) > 50


def test_training_and_validation_share_a_plot():
    epochs = {"loss": [2, 1], "val_loss": [2, 3], "val_auc": [0.5, 0.6]}
    text = page({"epochs": epochs})
    assert [len(marks(svg, "curve")) for svg in drawings(text)] == [2, 1]
    assert "it overfits" in text


def test_bar_of_half_dead_layer_is_half_as_high_as_the_axis():
    shares = [{"layer": "a", "dead": 0.5}, {"layer": "b", "dead": 1.0}]
    (svg,) = drawings(page({"signal": shares}), "Dead")
    half, whole = (float(bar.get("height")) for bar in marks(svg, "bar"))
    assert half == pytest.approx(whole / 2, abs=0.11)


def test_layers_all_alive_need_no_plot_of_dead_ones():
    alive = [{"layer": "a", "std": 1.0, "dead": 0.0, "saturated": None}]
    assert drawings(page({"signal": alive}), "Dead") == []


def test_updates_outside_the_band_have_another_shape():
    ratios = [1e-5, 1e-3, 1.0, 0.0, NAN]
    given = [{"variable": f"v{i}", "ratio": r} for i, r in enumerate(ratios)]
    (svg,) = drawings(page({"updates": given}))
    count = {kind: len(marks(svg, kind)) for kind in ("dot", "diamond", "cross")}
    assert count == {"dot": 1, "diamond": 2, "cross": 2}
    (band,) = marks(svg, "band")
    top, height = float(band.get("y")), float(band.get("height"))
    (dot,) = marks(svg, "dot")
    assert float(dot.get("cy")) == pytest.approx(top + height / 2, abs=0.11)


@pytest.mark.parametrize(("count", "named"), [(12, True), (13, False), (60, False)])
def test_names_are_written_while_there_is_room(count, named):
    text = page({"signal": layers(count)})
    svg = drawings(text, "Signal")[0]
    labels = [e.text for e in svg.iter("text")]
    assert ("layer3" in labels) is named
    assert ("layer, counted from the input" in labels) is not named
    assert text.count("<td>layer3</td>") == 2  # the tables have every name


def test_confusion_counts_and_shades_by_the_share_of_the_true_class():
    given = {"labels": ["cat", "dog"], "counts": [[3, 1], [0, 8]]}
    text = page({"confusion": given})
    (svg,) = drawings(text)
    assert [e.text for e in marks(svg, "count")] == ["3", "1", "8"]
    shades = [float(e.get("fill-opacity")) for e in svg.iter("rect")]
    assert shades == [0.75, 0.25, 0.0, 1.0]
    assert "Confusion: 92 % of 12 rows right" in text
    assert "<tr><td>cat</td><td>dog</td><td>1</td><td>25%</td></tr>" in text


def test_confusion_of_many_classes_draws_each_cell_once():
    counts = np.random.default_rng(0).integers(0, 3, (100, 100))
    given = {"labels": [f"class {i}" for i in range(100)], "counts": counts}
    text = page({"confusion": given})
    (svg,) = drawings(text)
    paths = [e for e in marks(svg, "hit") + marks(svg, "miss") if e.tag == "path"]
    assert sum(e.get("d").count("M") for e in paths) == np.count_nonzero(counts)
    assert len(text) < 250_000


def test_confusion_says_that_all_rows_are_taken_for_one_class():
    given = {"labels": ["cat", "dog", "owl"], "counts": [[0, 3, 0]] * 3}
    assert "Every row is taken for “dog”" in page({"confusion": given})
    given["counts"] = [[1, 3, 0]] * 3
    assert "Never predicted: owl." in page({"confusion": given})


@pytest.mark.parametrize("counts", [[], [[0, 0], [0, 0]], [[1, 2]], [1, 2]])
def test_confusion_that_is_none_is_left_out(counts):
    assert drawings(page({"confusion": {"labels": ["a", "b"], "counts": counts}})) == []


def test_fragment_styles_nothing_but_itself():
    fragment = _html.fragment(Diagnosis())
    css = re.search("<style>(.*?)</style>", fragment, re.DOTALL)[1]
    selectors = re.findall(r"[}{\n,]\s*([^{},@;]+?)\s*(?=,[^;{}]*\{|\{)", css)
    assert len(selectors) > 50
    assert [
        s for s in selectors if not s.startswith((".doctor", "@", "(", "screen"))
    ] == []
    assert "prefers-color-scheme: dark" in css
    assert "@media print" in css
