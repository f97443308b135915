"""Every rule has a page, reads evidence only, and knows its sick and its cured case."""

import ast
import importlib.util
import pathlib
import re

import pytest

from keras_tricks.doctor import rules

RULES = rules.modules()
CASES = pathlib.Path(__file__).parent / "cases"
BEFORE = [name for name, rule in RULES.items() if hasattr(rule, "before")]
HEADINGS = ("Seen", "Measured", "Silent", "Fix", "Source")
MAY_IMPORT = {
    *("dataclasses", "itertools", "math", "numpy", "keras"),
    "keras_tricks.doctor.finding.Finding",
    "keras_tricks.doctor.watching.watch.is_kernel",
    # Arithmetic on what evidence and watch hold, and names of losses.
    "keras_tricks.doctor.measuring.samples",
    "keras_tricks.doctor.measuring.heads",
    "keras_tricks.doctor.measuring.relation.relation",
    "keras_tricks.doctor.measuring.repair.task_loss",
    "keras_tricks.doctor.watching.trend",
}
WRITES = {"assign", "set_weights", "compile", "fit", "train_on_batch", "predict"}


def read(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    case = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(case)
    return case


CASE = {path.stem.replace("_", "-"): read(path) for path in CASES.glob("*.py")}
QUICK = [name for name in BEFORE if not getattr(CASE.get(name), "SLOW", False)]
# One rule that trains copies stays in the ordinary suite.
TRAINING = ["lr-high"]


def check_case(name, in_diagnosis, seconds):
    rule, case = RULES[name], CASE[name]

    def judge(evidence):
        finding = rule.before(evidence)
        assert seconds == 0 or evidence.not_judged == []
        return finding

    def finding_of(program):
        model, x, y, fit_arguments = program
        return in_diagnosis(judge, model, x, y, **fit_arguments, seconds=seconds)

    finding = finding_of(case.sick())
    assert finding.name == name
    assert all([finding.where, finding.evidence, finding.fix])
    assert finding.why.endswith(".")
    assert 0 < finding.confidence <= 1
    finding = finding_of(case.cured())
    assert finding is None or finding.severity == "note"


@pytest.mark.parametrize("name", QUICK)
def test_sick_case_is_found_and_cured_one_is_not(name, in_diagnosis):
    check_case(name, in_diagnosis, seconds=0)


@pytest.mark.parametrize("name", TRAINING)
def test_trials_find_the_sick_case_and_not_the_cured_one(name, in_diagnosis):
    check_case(name, in_diagnosis, seconds=60)


@pytest.mark.slow
@pytest.mark.parametrize("name", BEFORE)
def test_all_cases_hold_with_trials(name, in_diagnosis):
    check_case(name, in_diagnosis, seconds=60)


@pytest.mark.parametrize("name", RULES)
def test_rule_has_a_page(name):
    first, *lines = RULES[name].__doc__.splitlines()
    assert first.endswith(".")
    headings = [re.match(rf"({'|'.join(HEADINGS)})\b.*:", line) for line in lines]
    assert tuple(match[1] for match in headings if match) == HEADINGS


@pytest.mark.parametrize("name", RULES)
def test_rule_judges_before_or_during(name):
    assert {"before", "during"} & set(vars(RULES[name]))


@pytest.mark.parametrize("name", RULES)
def test_rule_reads_evidence_only(name):
    imported, called, written = set(), set(), []
    for node in ast.walk(ast.parse(pathlib.Path(RULES[name].__file__).read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called.add(node.func.attr)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            written.append(node.attr)
    allowed = tuple(f"{name}." for name in MAY_IMPORT)
    assert not {name for name in imported if not f"{name}.".startswith(allowed)}
    assert not called & WRITES
    assert not written


def test_every_case_belongs_to_a_rule():
    assert set(CASE) == set(BEFORE)
