"""One finding."""

import dataclasses

import pytest

import keras_tricks as kt


def finding(**changes):
    parts = ("where", "evidence", "why", "fix")
    given = {"name": "lr-high", "severity": "error"} | dict.fromkeys(parts, "")
    return kt.doctor.Finding(**given | changes)


def test_worst_and_surest_come_first():
    found = [
        finding(severity="note", confidence=1.0),
        finding(severity="warning", confidence=0.2),
        finding(severity="error", confidence=0.1),
        finding(severity="warning", confidence=0.9),
    ]
    ordered = sorted(found, key=lambda one: one.rank)
    assert [(one.severity, one.confidence) for one in ordered] == [
        ("error", 0.1),
        ("warning", 0.9),
        ("warning", 0.2),
        ("note", 1.0),
    ]


def test_severity_is_one_of_three():
    with pytest.raises(ValueError, match=r"`severity` must be .*'fatal'"):
        finding(severity="fatal")


def test_finding_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        finding().name = "other"
