from itertools import combinations

import numpy as np
import pytest

import keras_tricks as kt


@pytest.fixture(scope="module")
def plate():
    return kt.datasets.bird_plate(len(kt.datasets.BIRD_SPECIES), image_size=48)


def test_plate_shows_every_species_once(plate):
    assert plate.dtype == np.uint8
    assert plate.shape == (18, 48, 48, 3)


def test_fewer_species_are_the_first_ones(plate):
    np.testing.assert_array_equal(kt.datasets.bird_plate(3, image_size=48), plate[:3])


def test_any_two_species_differ_visibly_in_the_same_pose(plate):
    for one, other in combinations(plate.astype(int), 2):
        assert np.abs(one - other).max() > 80


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0, 1),
        (0, 2),
        (0, 3),
        (4, 5),
        (4, 6),
        (4, 7),
        (8, 9),
        (10, 11),
        (12, 13),
        (14, 15),
        (16, 17),
    ],
)
def test_look_alikes_differ_in_a_small_part(plate, one, other):
    differs = (plate[one] != plate[other]).any(axis=-1)
    assert 0 < differs.mean() < 0.07


def test_bird_fills_a_part_of_the_picture_and_stays_inside(plate):
    bird = (plate != plate[:, :1, :1]).any(axis=-1)
    covered = bird.mean(axis=(1, 2))
    assert covered.min() > 0.08
    assert covered.max() < 0.3
    inside = bird[:, 1:-1, 1:-1].sum(axis=(1, 2))
    np.testing.assert_array_equal(inside, bird.sum(axis=(1, 2)))


def test_larger_pictures_show_the_same_birds(plate):
    large = kt.datasets.bird_plate(18, image_size=96)
    halved = large.reshape(18, 48, 2, 48, 2, 3).mean(axis=(2, 4))
    assert np.abs(halved - plate).mean() < 2


@pytest.mark.parametrize("num_species", [1, 19])
def test_number_of_species_out_of_range_is_refused(num_species):
    with pytest.raises(ValueError, match="`num_species` must be between 2 and 18"):
        kt.datasets.bird_plate(num_species)


def test_image_size_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="`image_size` must be at least 16"):
        kt.datasets.bird_plate(image_size=15)
