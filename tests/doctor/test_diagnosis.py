import json
import re
import sys

import numpy as np
import pytest

from keras_tricks.doctor.diagnosis import Diagnosis
from keras_tricks.doctor.finding import Finding

HOSTILE = '<b>\x1b[2J|"&\u202e\ud800'


def finding(name="lr-high", severity="error", confidence=0.5, **parts):
    given = {
        "where": "optimizer",
        "evidence": "the loss grows 2.3 → 48",
        "why": "Steps jump over the valley.",
        "fix": "optimizer=keras.optimizers.Adam(1e-3)",
        **parts,
    }
    return Finding(name=name, severity=severity, confidence=confidence, **given)


def measured():
    return {
        "curves": {"as planned": [2.3, float("nan")], "rate 0.01": [2.3, 1.5, 1.0]},
        "epochs": {"loss": [2.0, 1.0], "val_loss": np.array([2.5, 2.0])},
        "signal": [{"layer": "dense", "mean": 0.1, "std": np.float32(0.5), "dead": 0}],
        "gradients": [{"variable": "dense/kernel", "gradient": 0.25, "weight": 2.0}],
        "updates": [{"variable": "dense/kernel", "ratio": 0.125}],
        "confusion": {"labels": ["a", "b"], "counts": [[3, 1], [0, 4]]},
    }


def test_findings_stand_worst_and_surest_first():
    given = [
        finding("small-data", "note", 1.0),
        finding("lr-low", "error", 0.2),
        finding("overfit", "warning", 0.9),
        finding("lr-high", "error", 0.8),
    ]
    names = [f.name for f in Diagnosis(given).findings]
    assert names == ["lr-high", "lr-low", "overfit", "small-data"]


@pytest.mark.parametrize(
    ("severities", "healthy"),
    [((), True), (("note",), True), (("note", "warning"), False), (("error",), False)],
)
def test_healthy_means_nothing_worse_than_a_note(severities, healthy):
    diagnosis = Diagnosis([finding(severity=s) for s in severities], ["lr-high"])
    assert diagnosis.healthy is healthy
    assert str(diagnosis).startswith("Healthy") is healthy
    assert json.loads(diagnosis.to_json())["healthy"] is healthy


def test_print_shows_every_part_of_a_finding():
    parts = finding(tried="with 1e-3: 2.3 → 0.4")
    shown = str(Diagnosis([parts], ["lr-high", "nan"], [("overfit", "no val")], {}, {}))
    for part in (parts.name, parts.where, parts.evidence, parts.why, parts.fix):
        assert part in shown
    assert "Tried: with 1e-3: 2.3 → 0.4" in shown
    assert "ERROR" in shown
    assert "1 error · 2 rules checked · 1 not judged" in shown
    assert "Not judged: overfit (no val)" in shown
    assert "explain lr-high" in shown


def test_print_of_a_healthy_program_says_what_was_checked():
    shown = str(Diagnosis(checked=["lr-high", "input-nan"], seconds=2.34))
    assert "2 rules checked · 2.3 s" in shown
    assert "Checked: lr-high, input-nan" in shown


def test_print_of_nothing_judged_does_not_say_healthy():
    assert str(Diagnosis()).startswith("Nothing could be judged")


def test_print_shows_the_worst_in_full_and_the_others_by_name():
    many = [finding(f"sickness-{i}", confidence=1 - i / 10) for i in range(8)]
    shown = str(Diagnosis(many))
    assert shown.count("Change:") == 5
    assert "And 3 findings more: sickness-5, sickness-6, sickness-7" in shown


@pytest.mark.parametrize("columns", [50, 80])
def test_print_keeps_to_the_width_of_the_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    long = finding(where="layer " * 30, evidence="number " * 40, fix="x=1; " * 30)
    shown = str(Diagnosis([long], ["lr-high"] * 50, [("this", "reason " * 30)]))
    assert max(map(len, shown.splitlines())) in range(columns - 8, columns + 1)


def test_print_has_colours_only_on_a_terminal_that_has_rich(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    diagnosis = Diagnosis([finding()], ["lr-high"])
    plain = str(diagnosis)
    assert "\x1b" not in plain
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    coloured = str(diagnosis)
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    assert diagnosis.__rich__().plain == plain
    monkeypatch.setitem(sys.modules, "rich.text", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert str(diagnosis) == plain


def test_names_cannot_steer_the_terminal():
    shown = str(Diagnosis([finding(HOSTILE, where=HOSTILE)], [HOSTILE]))
    assert "<b>\ufffd[2J|" in shown
    assert not {"\x1b", "\u202e", "\ud800"} & set(shown)


def test_repr_is_one_line():
    diagnosis = Diagnosis([finding()], ["lr-high"], instruments=measured())
    assert repr(diagnosis) == "<Diagnosis: 1 error, 1 rule checked>"


def test_json_holds_everything_and_is_valid(tmp_path):
    numbers = {"rate": np.float32(0.5), "loss": float("inf"), 3: np.arange(2)}
    diagnosis = Diagnosis(
        [finding(numbers=numbers)],
        ["lr-high"],
        [("overfit", "no validation data")],
        {"shape": (2, 3), "dtype": np.dtype("float32"), "rows": np.int64(7)},
        measured(),
        1.5,
    )
    path = diagnosis.to_json(tmp_path / "report.json")

    def refuse(constant):
        raise AssertionError(constant)

    read = json.loads(path.read_text(), parse_constant=refuse)
    assert read == json.loads(diagnosis.to_json())
    assert read["findings"][0]["fix"] == "optimizer=keras.optimizers.Adam(1e-3)"
    assert read["findings"][0]["numbers"] == {"rate": 0.5, "loss": None, "3": [0, 1]}
    assert read["checked"] == ["lr-high"]
    assert read["not_judged"] == [{"what": "overfit", "why": "no validation data"}]
    assert read["facts"] == {"shape": [2, 3], "dtype": "float32", "rows": 7}
    assert read["instruments"]["curves"]["as planned"] == [2.3, None]
    assert read["instruments"]["epochs"]["val_loss"] == [2.5, 2.0]
    assert read["seconds"] == 1.5


def test_html_is_written_to_the_path_and_returned_without_one(tmp_path):
    diagnosis = Diagnosis([finding(HOSTILE)], instruments=measured())
    path = diagnosis.to_html(str(tmp_path / "report.html"))
    assert path.read_text("utf-8") == diagnosis.to_html()
    assert diagnosis._repr_html_() in diagnosis.to_html()


def scalars(folder):
    from tensorboard.backend.event_processing import event_accumulator

    read = event_accumulator.EventAccumulator(str(folder), {"tensors": 0})
    read.Reload()
    found = {}
    for tag in read.Tags()["tensors"]:
        events = [(event.step, event.tensor_proto) for event in read.Tensors(tag)]
        found[tag] = {
            step: proto.string_val[0].decode()
            if proto.string_val
            else proto.float_val[0]
            for step, proto in events
        }
    return found


def test_tensorboard_reads_texts_and_scalars(tmp_path):
    pytest.importorskip("tensorboard")
    diagnosis = Diagnosis(
        [finding(), finding(HOSTILE, "warning")],
        ["lr-high"],
        [("overfit", "no val")],
        {"rows": 12_345},
        measured(),
    )
    diagnosis.to_tensorboard(tmp_path, step=7)
    main = scalars(tmp_path)
    counts = {main[f"doctor/{s}"][7] for s in ("errors", "warnings")}
    assert counts == {1.0}
    assert main["doctor/notes"] == {7: 0.0}
    text = main["doctor/findings"][7]
    assert "### ERROR: lr-high" in text
    assert "    optimizer=keras.optimizers.Adam(1e-3)" in text
    assert "Not judged: overfit (no val)" in text
    assert "- rows: 12,345" in text
    assert "WARNING: &lt;b&gt;\ufffd\\[2J&#124;" in text
    assert "| dense | 0.5 | 0.1 |" in main["doctor_values/signal_through_depth"][7]
    depth = scalars(tmp_path / "doctor_step_7")
    assert depth["doctor_depth/signal_std"] == {1: 0.5}
    assert depth["doctor_depth/gradients_weight"] == {1: 2.0}
    assert depth["doctor_depth/updates_ratio"] == {1: 0.125}
    assert depth["doctor_epochs/val_loss"] == {1: 2.5, 2: 2.0}
    trial = scalars(tmp_path / "doctor_step_7" / "rate_0.01")
    assert trial["doctor_trials/loss"] == {1: pytest.approx(2.3), 2: 1.5, 3: 1.0}
    own = scalars(tmp_path / "doctor_step_7" / "as_planned")["doctor_trials/loss"]
    assert np.isnan(own[2])


def test_trials_whose_names_give_one_folder_are_kept_apart(tmp_path):
    pytest.importorskip("tensorboard")
    curves = {"a b": [1.0], "a/b": [2.0], "../..": [3.0]}
    Diagnosis(instruments={"curves": curves}).to_tensorboard(tmp_path)
    found = [
        scalars(folder)["doctor_trials/loss"][1]
        for folder in (tmp_path / "doctor_step_0").iterdir()
    ]
    assert sorted(found) == [1.0, 2.0, 3.0]


def test_tensorboard_that_is_missing_is_named_with_its_extra(tmp_path, monkeypatch):
    for module in ("compat.proto.event_pb2", "summary.writer.event_file_writer"):
        monkeypatch.setitem(sys.modules, f"tensorboard.{module}", None)
    with pytest.raises(ImportError, match=r"keras-tricks\[tensorboard\]"):
        Diagnosis().to_tensorboard(tmp_path / "logs")
    assert not (tmp_path / "logs").exists()
