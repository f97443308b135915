import numpy as np
import pytest

import keras_tricks as kt


def test_same_arguments_give_identical_arrays():
    images, labels = kt.datasets.birds(6, num_species=3, image_size=20, seed=7)
    again, same_labels = kt.datasets.birds(6, num_species=3, image_size=20, seed=7)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(labels, same_labels)


def test_another_seed_gives_other_pictures_in_another_order():
    images, labels = kt.datasets.birds(12, num_species=6, image_size=20, seed=0)
    others, other_labels = kt.datasets.birds(12, num_species=6, image_size=20, seed=1)
    assert (labels != other_labels).any()
    distance = np.abs(images[:, None].astype(int) - others).mean(axis=(2, 3, 4))
    assert distance.min() > 5


@pytest.mark.parametrize("seed", [0, 1])
def test_species_do_not_depend_on_the_seed(seed):
    images, labels = kt.datasets.birds(96, num_species=18, image_size=16, seed=seed)
    middle = images[:, 4:-4, 4:-4].astype(float).mean(axis=(1, 2))
    blueness = middle[:, 2] - middle[:, 0]
    kingfishers = blueness[labels >= 16].mean()
    finches = blueness[labels <= 3].mean()
    assert kingfishers > finches + 20


def test_more_examples_leave_the_first_ones_unchanged():
    images, labels = kt.datasets.birds(4, num_species=3, image_size=20)
    more, more_labels = kt.datasets.birds(11, num_species=3, image_size=20)
    np.testing.assert_array_equal(more[:4], images)
    np.testing.assert_array_equal(more_labels[:4], labels)


def test_the_species_changes_the_bird_and_not_the_scene():
    few, few_labels = kt.datasets.birds(30, num_species=8, image_size=32)
    many, many_labels = kt.datasets.birds(30, num_species=18, image_size=32)
    changed = (np.abs(few.astype(int) - many) > 8).any(axis=-1).mean(axis=(1, 2))
    same = few_labels == many_labels
    assert 0 < same.sum() < 15
    assert (changed[same] == 0).all()
    assert (changed[~same] < 0.7).all()
    assert 0.05 < np.median(changed[~same]) < 0.35


def test_arrays_have_the_promised_types_and_shapes():
    images, labels = kt.datasets.birds(10, num_species=4, image_size=33)
    assert images.dtype == np.uint8
    assert images.shape == (10, 33, 33, 3)
    assert labels.dtype == np.int64
    assert labels.shape == (10,)


def test_pictures_use_the_whole_range_without_being_black_or_white():
    images, _ = kt.datasets.birds(40, image_size=32)
    assert images.min() < 10
    assert images.max() > 245
    means = images.mean(axis=(1, 2, 3))
    assert means.min() > 25
    assert means.max() < 230
    assert images.std(axis=(1, 2, 3)).min() > 5


def test_every_start_of_the_labels_is_balanced_within_one():
    _, labels = kt.datasets.birds(23, num_species=5, image_size=16)
    counts = np.cumsum(np.eye(5)[labels], axis=0)
    assert np.ptp(counts, axis=1).max() == 1
    assert sorted(counts[-1]) == [4, 4, 5, 5, 5]


def test_labels_are_in_shuffled_order():
    _, labels = kt.datasets.birds(20, num_species=5, image_size=16)
    assert len({tuple(block) for block in labels.reshape(4, 5)}) == 4


def test_fewer_examples_than_species_are_possible():
    images, labels = kt.datasets.birds(1, num_species=18, image_size=16)
    assert images.shape == (1, 16, 16, 3)
    assert 0 <= labels[0] < 18


def test_species_have_names_of_their_own():
    names = kt.datasets.BIRD_SPECIES
    assert len(names) == len(set(names)) == 18


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_examples": 0}, "`num_examples` must be at least 1"),
        ({"num_species": 1}, "`num_species` must be between 2 and 18"),
        ({"num_species": 19}, "`num_species` must be between 2 and 18"),
        ({"image_size": 15}, "`image_size` must be at least 16"),
        ({"seed": -1}, "`seed` must be at least 0"),
    ],
)
def test_values_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kt.datasets.birds(**arguments)


@pytest.mark.parametrize("name", ["num_examples", "num_species", "image_size", "seed"])
def test_arguments_that_are_not_integers_are_refused(name):
    with pytest.raises(TypeError, match=f"`{name}` must be an integer"):
        kt.datasets.birds(**{name: 20.0})
