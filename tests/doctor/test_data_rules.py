"""What the rules on the data say of programs, and of which they say nothing."""

import types

import numpy as np
import pytest

from keras_tricks.doctor import rules
from keras_tricks.doctor.measuring import data as _data
from keras_tricks.doctor.measuring.losses import LossFacts
from keras_tricks.doctor.measuring.task import tasks_of

CROSSENTROPY = "sparse_categorical_crossentropy"


def rng():
    return np.random.default_rng(0)


def evidence_of(
    x,
    y,
    loss="mean_squared_error",
    units=1,
    activation=(),
    validation=None,
    split=0.0,
    weight=None,
    class_weight=None,
    score=0.0,
):
    """Evidence of a model of which only the head is known."""
    data = _data.read(np.asarray(x), np.asarray(y), weight)
    other = validation and _data.read(*map(np.asarray, validation))
    if split:
        data, other = _data.split(data, split)
    kind = "probability" if "entropy" in loss else "value"
    head = types.SimpleNamespace(units=units, activation=list(activation))
    run = types.SimpleNamespace(skill=1.0, holdout_skill=score, score=score)
    plan = _data.Plan(32, 5, 10, True, class_weight, split, [])
    return types.SimpleNamespace(
        model=types.SimpleNamespace(inputs=[], loss=loss, trainable_variables=[]),
        data=data,
        validation=other,
        plan=plan,
        tasks=tasks_of(data.targets, data.inputs, [loss], [units]),
        losses=[LossFacts(loss, kind)],
        graph=types.SimpleNamespace(heads=[head], calls=[], reshapes=[], layers=[]),
        rehearsal=run,
        sick=False,
        start=types.SimpleNamespace(mixed=None, loss=1.0),
    )


def found(name, evidence):
    return rules.modules()[name].before(evidence)


def severity(name, evidence):
    finding = found(name, evidence)
    return finding and finding.severity


def table(rows=400, columns=6):
    return rng().normal(size=(rows, columns))


@pytest.mark.parametrize(
    ("y", "loss", "units", "activation"),
    [
        (np.arange(50) % 3 / 255, CROSSENTROPY, 3, ["softmax"]),
        (np.arange(50) % 3 - 1, CROSSENTROPY, 3, ["softmax"]),
        (np.arange(50) % 2 * 255, CROSSENTROPY, 2, ["softmax"]),
        (np.arange(50) % 2 * 255, "binary_crossentropy", 1, ["sigmoid"]),
        (np.arange(50) % 2 / 255, "binary_crossentropy", 1, ["sigmoid"]),
        (np.arange(50) % 2 * 255, "mean_squared_error", 1, ["sigmoid"]),
        (np.arange(50) % 2 + 1, "binary_crossentropy", 1, ["sigmoid"]),
        (
            np.eye(3)[np.arange(50) % 3] / 255,
            "categorical_crossentropy",
            3,
            ["softmax"],
        ),
        (np.eye(3)[np.arange(51) % 3] - 1 / 3, "categorical_crossentropy", 3, []),
        (np.zeros(50, int), "mean_squared_error", 1, []),
        (np.array(["a", "b"] * 25), CROSSENTROPY, 2, ["softmax"]),
    ],
)
def test_destroyed_labels_are_an_error(y, loss, units, activation):
    evidence = evidence_of(table(len(y)), np.zeros(len(y)), loss, units, activation)
    evidence.data.y = y
    if y.dtype.kind != "U":
        evidence.tasks = tasks_of([y], evidence.data.inputs, [loss], [units])
    assert severity("label-corrupt", evidence) == "error"


@pytest.mark.parametrize(
    ("y", "loss", "units", "activation"),
    [
        (np.arange(50) % 3, CROSSENTROPY, 3, ["softmax"]),
        (np.arange(50) % 3 + 1, CROSSENTROPY, 3, ["softmax"]),  # out-units has it
        (np.arange(50) % 3, CROSSENTROPY, 10, ["softmax"]),
        (np.arange(50) % 2, "binary_crossentropy", 1, ["sigmoid"]),
        (0.1 + 0.8 * (np.arange(50) % 2), "binary_crossentropy", 1, ["sigmoid"]),
        (rng().random(50) / 3, "binary_crossentropy", 1, ["sigmoid"]),
        (np.eye(3)[np.arange(50) % 3], "categorical_crossentropy", 3, ["softmax"]),
        (rng().dirichlet([1, 1, 1], 50), "categorical_crossentropy", 3, ["softmax"]),
        (rng().integers(0, 2, (50, 3)), "categorical_crossentropy", 3, ["softmax"]),
        (rng().normal(size=50), "mean_squared_error", 1, []),
    ],
)
def test_sound_labels_are_none(y, loss, units, activation):
    evidence = evidence_of(table(len(y)), y, loss, units, activation)
    assert found("label-corrupt", evidence) is None


def test_a_residual_that_is_to_vanish_is_a_warning_only():
    assert severity("label-corrupt", evidence_of(table(50), np.zeros(50))) == "warning"


def test_shuffled_values_are_an_error_and_few_of_them_a_warning():
    y = table()[:, 0]
    shuffled = rng().permutation(y)
    assert found("label-shuffle", evidence_of(table(), y)) is None
    assert severity("label-shuffle", evidence_of(table(), shuffled)) == "error"
    few = evidence_of(table()[:150], shuffled[:150])
    assert severity("label-shuffle", few) == "warning"
    assert found("label-shuffle", evidence_of(table()[:90], shuffled[:90])) is None


def test_no_relation_to_the_probes_is_none_if_the_network_finds_one():
    shuffled = rng().permutation(table()[:, 0])
    assert found("label-shuffle", evidence_of(table(), shuffled, score=0.2)) is None


def test_targets_one_row_off_are_moved_back():
    finding = found("label-shuffle", evidence_of(table(), np.roll(table()[:, 0], 1)))
    assert finding.severity == "error"
    assert finding.fix == "x, y = x[:-1], y[1:]"


def test_parity_of_bits_is_no_shuffle_unless_learnt_by_heart():
    x = rng().integers(0, 2, (400, 24))
    y = x[:, :5].sum(1) % 2
    evidence = evidence_of(x, y, "binary_crossentropy", 1, ["sigmoid"])
    assert severity("label-shuffle", evidence) == "warning"
    evidence.rehearsal.skill = 0.2
    assert found("label-shuffle", evidence) is None


def test_rows_of_a_reshaped_table_are_found_in_their_order():
    x = table() * np.arange(1, 7)
    scrambled = x.T.copy().reshape(x.shape)
    finding = found("bad-reshape", evidence_of(scrambled, x[:, 0]))
    assert finding.severity == "error"
    np.testing.assert_array_equal(scrambled.reshape(6, -1).transpose(1, 0), x)
    assert finding.fix == "x = x.reshape(6, -1).transpose(1, 0)"
    assert found("bad-reshape", evidence_of(x, x[:, 0])) is None
    assert found("bad-reshape", evidence_of(x, rng().permutation(x[:, 0]))) is None


def test_one_class_in_any_form_is_an_error():
    ids, x = np.full(60, 3), table(60)
    programs = [
        (ids, CROSSENTROPY, 1000, ["softmax"]),
        (np.eye(5)[ids], "categorical_crossentropy", 5, ["softmax"]),
        (np.ones(60), "binary_crossentropy", 1, ["sigmoid"]),
        (np.ones(60), "mean_squared_error", 1, ["sigmoid"]),
    ]
    for y, *rest in programs:
        assert severity("single-class", evidence_of(x, y, *rest)) == "error"


def test_rare_classes_with_weights_or_many_rows_are_not_one_class():
    x, y = table(1000), (np.arange(1000) < 4).astype(int)
    arguments = "binary_crossentropy", 1, ["sigmoid"]
    assert severity("single-class", evidence_of(x, y, *arguments)) == "error"
    weighted = evidence_of(x, y, *arguments, class_weight={0: 1, 1: 200})
    assert found("single-class", weighted) is None
    evidence = evidence_of(x, y, *arguments)
    evidence.data.size = 20_000  # 1000 of 20 000 rows are at hand
    assert found("single-class", evidence) is None


def test_tail_of_unknown_classes_is_an_error_and_of_uneven_ones_a_warning():
    x, sorted_ids = table(300), np.repeat([0, 1, 2], 100)
    arguments = CROSSENTROPY, 3, ["softmax"]
    for y, expected in (
        (sorted_ids, "error"),
        (rng().permutation(sorted_ids), None),
        (
            np.r_[rng().permutation(np.repeat([0, 1], [216, 24])), [0, 1] * 30],
            "warning",
        ),
    ):
        evidence = evidence_of(x, y, *arguments, split=0.2)
        assert severity("split-not-shuffled", evidence) == expected


def test_tail_of_sorted_values_is_an_error_of_a_sorted_input_a_warning():
    x = table(300)
    assert severity(
        "split-not-shuffled", evidence_of(x, np.arange(300.0), split=0.2)
    ) == ("error")
    line = np.linspace(0, 20, 300)[:, None]
    sine = evidence_of(line, np.sin(line), split=0.2)
    assert severity("split-not-shuffled", sine) == "warning"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: x, None),
        (lambda x: x * 255, "error"),
        (lambda x: 2 * x - 1, "error"),
        (lambda x: (x - x.mean()) / x.std(), "error"),
        (lambda x: x + 0.4, "error"),  # in all columns
        (lambda x: np.c_[x[:, :7] + 1.2, x[:, 7:]], "warning"),
        (lambda x: x[:9] * 255, None),
    ],
)
def test_validation_on_another_scale(change, expected):
    x = np.round(rng().random((200, 12)), 2)
    x[0, :2] = 0, 1
    other = change(x[:60].copy())
    evidence = evidence_of(x, x[:, 0], validation=(other, np.zeros(len(other))))
    evidence.validation.y = x[: len(other), 0]
    assert severity("val-preproc", evidence) == expected


def test_validation_classes_numbered_from_one_are_an_error():
    ids, arguments = np.arange(200) % 10, (CROSSENTROPY, 11, ["softmax"])
    evidence = evidence_of(
        table(200), ids, *arguments, validation=(table(200), ids + 1)
    )
    assert found("val-preproc", evidence).fix == "y_val = y_val - 1"
    evidence = evidence_of(table(200), ids, *arguments, validation=(table(200), ids))
    assert found("val-preproc", evidence) is None


def test_repeated_rows_are_no_leak():
    xor, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    x = np.tile(xor, (50, 1))
    evidence = evidence_of(x, np.tile(y, 50), validation=(x[:20], np.tile(y, 5)))
    assert found("val-leak", evidence) is None
    leaked = evidence_of(table(), table()[:, 0], validation=(table()[:50], np.ones(50)))
    assert found("val-leak", leaked).numbers["share"] == 1


def test_double_normalization_is_told_from_small_units():
    pixels = rng().integers(0, 256, (100, 784)) / 255
    units = table(100, 5) * [1e-3, 2e-3, 5e-4, 1e-4, 3e-3]
    standard = (table(100, 5) - table(100, 5).mean(0)) / table(100, 5).std(0)
    y = np.arange(100.0)
    for x, expected in (
        (pixels, None),
        (pixels / 255, "warning"),
        (standard, None),
        (standard / 255, "warning"),
        (units, None),
    ):
        evidence = evidence_of(x, y)
        evidence.model.inputs = [None]
        assert severity("double-norm", evidence) == expected


def test_missing_targets_that_the_loss_leaves_out_are_none():
    y = np.where(np.arange(50) == 7, np.nan, 1.0)
    evidence = evidence_of(table(50), y)
    assert severity("input-nan", evidence) == "error"
    evidence.losses = [LossFacts("masked", "custom")]
    assert found("input-nan", evidence) is None
    evidence.start.loss = np.nan
    assert severity("input-nan", evidence) == "error"


def test_weights_that_drop_or_swell_are_told_from_uneven_ones():
    x, y = table(50), np.arange(50) % 2
    for weight, expected in (
        (np.zeros(50), "error"),
        (np.linspace(-1, 1, 50), "error"),
        (np.full(50, 1e3), "warning"),
        (np.arange(50) % 2 * 1.0, None),
    ):
        assert (
            severity("degenerate-weights", evidence_of(x, y, weight=weight)) == expected
        )
    arguments = "binary_crossentropy", 1, ["sigmoid"]
    for class_weight, expected in (
        ({0: 1, 1: 0}, "error"),
        ({0: 1, 1: 500}, "warning"),
        ({0: 1, 1: 20}, None),
    ):
        evidence = evidence_of(x, y, *arguments, class_weight=class_weight)
        assert severity("degenerate-weights", evidence) == expected


def test_constant_columns_are_noted_when_they_are_the_most():
    x = table(50)
    x[:, 2:] = 1
    assert severity("constant-features", evidence_of(x, x[:, 0])) == "note"
    x[:, :4] = table(50)[:, :4]
    assert found("constant-features", evidence_of(x, x[:, 0])) is None
    assert severity("constant-features", evidence_of(x * 0, x[:, 0])) == "error"


def test_a_function_of_few_numbers_leaks_nothing():
    x = table(100, 2)
    assert found("leaking-feature", evidence_of(x, x[:, 0])) is None
    x = table(100, 3)
    assert found("leaking-feature", evidence_of(x, 1 - 2 * x[:, 1])).where == "x[:, 1]"
