import subprocess
import sys

import pytest

from keras_tricks.doctor import rules
from keras_tricks.doctor.__main__ import main

NAME = "lr-high"


def test_rules_lists_every_rule_with_its_first_line(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["rules"]) == 0
    shown = capsys.readouterr().out
    for name, rule in rules.modules().items():
        assert f"{name} " in shown
        assert rule.__doc__.split()[0] in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("name", [NAME, NAME.upper(), NAME.replace("-", "_")])
def test_explain_prints_the_page(capsys, name):
    assert main(["explain", name]) == 0
    words = capsys.readouterr().out.split()
    assert words[0] == NAME
    page = rules.modules()[NAME].__doc__.split()
    assert words[1 : 1 + len(page)] == page


def test_explain_keeps_to_the_width_of_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    main(["explain", NAME])
    lines = capsys.readouterr().out.splitlines()
    prose = [line for line in lines if not line.startswith("    ")]
    assert 50 < max(map(len, prose)) <= 60


def test_explain_says_the_numbers_that_the_page_names(capsys, monkeypatch):
    rule = type(sys)("rule", "One line.\n\nMeasured: above `LIMIT`.\n\n    x = 1  # y")
    rule.LIMIT = 0.25
    monkeypatch.setattr(rules, "modules", lambda: {"new-rule": rule})
    assert main(["explain", "new-rule"]) == 0
    shown = capsys.readouterr().out
    assert "Numbers: LIMIT = 0.25." in shown
    assert "\n    x = 1  # y\n" in shown


def test_unknown_name_is_refused_with_names_like_it(capsys):
    assert main(["explain", "lr-hihg"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "There is no rule named lr-hihg. Did you mean lr-high" in output.err
    assert main(["explain", "zzzz", NAME]) == 2
    output = capsys.readouterr()
    assert output.out.startswith(NAME)
    assert "python -m keras_tricks.doctor rules" in output.err


def test_wrong_command_ends_with_two():
    with pytest.raises(SystemExit) as caught:
        main(["explian"])
    assert caught.value.code == 2


@pytest.mark.slow
def test_command_runs_as_a_module():
    command = [sys.executable, "-m", "keras_tricks.doctor", "explain", NAME, "nope"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stdout.startswith(NAME)
    assert "no rule named nope" in result.stderr
