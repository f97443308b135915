"""What is to be learnt, and how well it is known."""

import numpy as np
import pytest

from keras_tricks.doctor.measuring.task import Task, recalls, skill, tasks_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3)).astype("float32")
IDS = np.array([0, 1, 2, 2, 1, 2])
TWO = np.array([0, 1, 1, 0, 1, 1])


def one_hot(ids):
    return np.eye(max(ids) + 1, dtype="float32")[ids]


def task_of(target, loss="", units=1, x=X):
    return tasks_of([np.asarray(target)], [x], [loss], [units])[0]


@pytest.mark.parametrize(
    ("target", "loss", "units", "kind", "form", "counts"),
    [
        (TWO, "binary_crossentropy", 1, "binary", "ids", [2, 4]),
        (TWO[:, None], "mean_squared_error", 1, "binary", "ids", [2, 4]),
        (2 * TWO - 1, "hinge", 1, "binary", "ids", [2, 4]),
        (TWO, "sparse_categorical_crossentropy", 2, "multiclass", "ids", [2, 4]),
        (IDS, "sparse_categorical_crossentropy", 3, "multiclass", "ids", [1, 2, 3]),
        (IDS, "mean_squared_error", 3, "multiclass", "ids", [1, 2, 3]),
        (IDS, "binary_crossentropy", 1, "multiclass", "ids", [1, 2, 3]),
        (one_hot(IDS), "mean_squared_error", 3, "multiclass", "one-hot", [1, 2, 3]),
        (
            0.9 * one_hot(IDS) + 0.1 / 3,
            "categorical_crossentropy",
            3,
            "multiclass",
            "one-hot",
            [1, 2, 3],
        ),
        (
            [[1, 1, 0], [0, 0, 0], [0, 1, 1]],
            "binary_crossentropy",
            3,
            "multilabel",
            "one-hot",
            [1, 2, 1],
        ),
        (IDS, "mean_squared_error", 1, "multiclass", "ids", [1, 2, 3]),
        (IDS.astype("float32"), "mean_squared_error", 1, "regression", "values", None),
        (7 * IDS, "mean_squared_error", 1, "regression", "values", None),
        (IDS + 0.5, "mean_squared_error", 1, "regression", "values", None),
        (X[:, :2] * 2, "mean_absolute_error", 2, "regression", "values", None),
        (np.full((6, 2), np.nan), "", 2, "unknown", "values", None),
        (np.array(["a", "b"]), "", 1, "unknown", "values", None),
        (IDS + 0.5, "sparse_categorical_crossentropy", 3, "unknown", "values", None),
    ],
)
def test_kind_form_and_counts(target, loss, units, kind, form, counts):
    task = task_of(target, loss, units)
    assert (task.kind, task.form) == (kind, form)
    assert not task.autoencoder
    if counts is None:
        assert task.counts is None
        assert task.classes is None
    else:
        np.testing.assert_array_equal(task.counts, counts)
        assert task.classes == len(counts)


def test_shares_that_are_not_smoothed_classes_are_a_distribution():
    shares = RNG.dirichlet([1, 1, 1], size=6)
    task = task_of(shares, "kl_divergence", 3)
    assert (task.kind, task.classes) == ("distribution", 3)


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_counts_none_of_the_other(value):
    task = task_of(np.full(6, value), "binary_crossentropy")
    np.testing.assert_array_equal(task.counts, [6 * (value == 0), 6 * (value == 1)])


def test_targets_that_are_the_input_are_an_autoencoder():
    assert task_of(X, "binary_crossentropy", 3).autoencoder
    assert task_of(X.copy(), "mean_squared_error", 3).autoencoder
    assert not task_of(X + 1e-3, "mean_squared_error", 3).autoencoder


def test_labels_are_ids_in_every_form():
    for target in (IDS, IDS[:, None], one_hot(IDS), IDS.astype("float32")):
        task = task_of(target, "categorical_crossentropy", 3)
        np.testing.assert_array_equal(task.labels, IDS)
    for target in (TWO, 2 * TWO - 1, TWO.astype(bool)):
        np.testing.assert_array_equal(task_of(target).labels, TWO)


def test_each_output_has_a_task_of_its_own():
    found = tasks_of(
        [IDS, X * 2], [X], ["sparse_categorical_crossentropy", None], [3, 3]
    )
    assert [task.kind for task in found] == ["multiclass", "regression"]


def guess_share(said, true):
    """Mean over the classes of what is told right, 0 for guessing, 1 for all."""
    classes = sorted(set(true.tolist()))
    right = [np.mean(said[true == value] == value) for value in classes]
    return (np.mean(right) - 1 / len(classes)) / (1 - 1 / len(classes))


@pytest.mark.parametrize("sparse", [True, False])
def test_skill_of_classes_is_balanced_accuracy_above_guessing(sparse):
    ids = RNG.integers(0, 4, 50)
    task = task_of(ids if sparse else one_hot(ids), "categorical_crossentropy", 4)
    output = RNG.normal(size=(50, 4))
    expected = guess_share(output.argmax(1), ids)
    assert skill(task, output, task.target) == pytest.approx(expected)
    assert skill(task, one_hot(ids), task.target) == 1
    assert skill(task, np.tile([9, 0, 0, 0], (50, 1)), task.target) == 0


def test_skill_of_classes_of_pixels():
    ids = RNG.integers(0, 3, (5, 4, 2))
    task = task_of(ids, "sparse_categorical_crossentropy", 3)
    output = RNG.normal(size=(5, 4, 2, 3))
    expected = guess_share(output.argmax(-1).ravel(), ids.ravel())
    assert skill(task, output, ids) == pytest.approx(expected)


def test_skill_of_a_class_that_is_told_as_a_number():
    task = task_of(IDS, "binary_crossentropy", 1)
    output = IDS[:, None] + 0.4
    assert skill(task, output, IDS) == 1
    assert skill(task, np.zeros((6, 1)), IDS) == 0


def test_skill_of_a_binary_decision_is_at_its_threshold():
    output = np.array([[0.2], [0.7], [-0.3], [0.1], [0.6], [0.4]])
    task = task_of(TWO, "binary_crossentropy")
    expected = guess_share((output[:, 0] > 0.5).astype(int), TWO)
    assert skill(task, output, TWO) == pytest.approx(expected)
    logits = guess_share((output[:, 0] > 0).astype(int), TWO)
    assert logits != expected
    assert skill(task, output, TWO, from_logits=True) == pytest.approx(logits)
    hinge = task_of(2 * TWO - 1, "hinge")
    assert skill(hinge, output, 2 * TWO - 1) == pytest.approx(logits)


def test_skill_of_two_units_for_a_binary_target_compares_them():
    task = Task("binary", "ids", TWO, 2)
    output = RNG.normal(size=(6, 2))
    expected = guess_share(output.argmax(1), TWO)
    assert skill(task, output, TWO) == pytest.approx(expected)


def test_skill_of_labels_is_the_mean_over_columns():
    target = RNG.integers(0, 2, (40, 3))
    task = task_of(target, "binary_crossentropy", 3)
    output = RNG.random((40, 3))
    columns = [guess_share(output[:, i] > 0.5, target[:, i] > 0) for i in range(3)]
    assert skill(task, output, target) == pytest.approx(np.mean(columns))


def test_skill_does_not_see_how_rare_a_class_is():
    rare = np.array([0] * 99 + [1])
    task = task_of(rare, "binary_crossentropy")
    assert skill(task, np.zeros((100, 1)), rare) == 0
    assert skill(task, rare[:, None], rare) == 1


def test_skill_of_values_is_the_explained_variance():
    y = RNG.normal(size=(30, 2)) * [1, 10] + [3, -5]
    task = task_of(y, "mean_squared_error", 2, X)
    output = y + RNG.normal(size=y.shape)
    expected = 1 - ((output - y) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()
    assert skill(task, output, y) == pytest.approx(expected)
    assert skill(task, np.tile(y.mean(0), (30, 1)), y) == pytest.approx(0)
    assert skill(task, y, y) == 1
    assert skill(task, y + 1e6, y) == -1


def test_skill_of_values_takes_targets_without_their_last_axis():
    y = RNG.normal(size=30)
    assert skill(task_of(y), y[:, None], y) == 1


def test_skill_of_huge_values_does_not_overflow():
    y = np.array([1e30, 2e30, 3e30, 4e30], "float32")
    assert skill(task_of(y), y[:, None], y) == 1
    assert skill(task_of(y), np.full((4, 1), 2.5e30), y) == pytest.approx(0)


def test_skill_of_a_constant_target_is_all_or_nothing():
    y = np.full(5, 2.5)
    task = Task("regression", "values", y)
    assert skill(task, y[:, None], y) == 1
    assert skill(task, y[:, None] + 0.1, y) == 0


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_skill_of_what_is_not_finite_is_the_lowest(kind, bad):
    output = np.zeros((6, 3 if kind == "multiclass" else 1))
    output[2, 0] = bad
    target = TWO[:, None] if kind == "multilabel" else TWO
    assert skill(Task(kind, "ids", target, 2), output, target) == -1


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression"])
def test_skill_of_another_shape_is_the_lowest(kind):
    target = np.tile(TWO[:, None], 2) if kind == "multilabel" else TWO
    output = np.zeros((6, 4, 5))
    assert skill(Task(kind, "ids", target, 2), output, target) == -1


def test_skill_of_one_class_is_the_share_told_right():
    task, ones = task_of(np.ones(4), "binary_crossentropy"), np.ones(4)
    output = np.array([[0.9], [0.8], [0.7], [0.1]])
    assert skill(task, output, ones) == 0.75


def test_recalls_are_those_of_numpy_and_nan_for_classes_without_rows():
    ids = np.array([0, 0, 2, 2, 2, 0])
    task = task_of(IDS, "sparse_categorical_crossentropy", 3)
    said = np.array([0, 1, 2, 0, 2, 0])
    found = recalls(task, np.eye(3)[said], ids)
    np.testing.assert_allclose(found, [2 / 3, np.nan, 2 / 3])
    assert recalls(task, np.eye(3)[said][:4], ids) is None
