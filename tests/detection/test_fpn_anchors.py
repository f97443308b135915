import numpy as np
import pytest

import keras_tricks as kt

SIZES = [(5, 4), (3, 2), (1, 1)]


def by_hand(sizes, anchor_scale, octave, ratios):
    anchors = []
    for rows, columns in sizes:
        for row in range(rows):
            for column in range(columns):
                for i in range(octave):
                    side = anchor_scale * 2 ** (i / octave)  # in cells
                    for ratio in (1, *(x for r in ratios for x in (r, 1 / r))):
                        width, height = side * ratio**0.5, side / ratio**0.5
                        x, y = (column + 0.5) / columns, (row + 0.5) / rows
                        anchors.append([x, y, width / columns, height / rows])
    return anchors


@pytest.mark.parametrize(
    ("scale", "octave", "ratios"), [(4.0, 2, (2,)), (3, 3, (2, 3)), (1.5, 1, ())]
)
def test_anchors_are_those_of_a_loop(scale, octave, ratios):
    found = kt.detection.fpn_anchors(SIZES, scale, octave, ratios)
    expected = by_hand(SIZES, scale, octave, ratios)
    assert found.dtype == "float32"
    assert found.shape == (27 * octave * (1 + 2 * len(ratios)), 4)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_defaults_are_those_of_retina_net_on_strides():
    # A side of 4 strides, 32 pixels at stride 8, as in Lin et al., 2017, section 4.
    found = kt.detection.fpn_anchors([(80, 80), (40, 40)], scales_per_octave=3)
    np.testing.assert_allclose(found[0, 2:] * 640, 32, rtol=1e-6)
    np.testing.assert_allclose(found[-1 - 8, 2:] * 640, 64, rtol=1e-6)


def test_anchors_of_a_small_map_may_be_larger_than_the_image():
    assert kt.detection.fpn_anchors([(1, 1)])[:, 2:].max() > 4


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"feature_sizes": [3]}, TypeError, "`feature_sizes` must be a list"),
        ({"anchor_scale": 0}, ValueError, "`anchor_scale` must be at least"),
        ({"scales_per_octave": 0}, ValueError, "`scales_per_octave` must be at least"),
        ({"scales_per_octave": 1.5}, TypeError, "`scales_per_octave` must be an int"),
        ({"aspect_ratios": [0.5]}, ValueError, "`aspect_ratios` must be above 1"),
    ],
)
def test_wrong_arguments_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        kt.detection.fpn_anchors(**{"feature_sizes": SIZES, **options})


@pytest.mark.reference
def test_it_is_torchvisions_moved_to_the_middle_of_cells(torchvision):
    import torch
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.image_list import ImageList

    sizes = [tuple(stride * 4 * 2 ** (i / 3) for i in range(3)) for stride in (8, 16)]
    theirs = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 2)
    images = ImageList(torch.zeros(1, 3, 64, 96), [(64, 96)])
    maps = [(8, 12), (4, 6)]
    (theirs,) = theirs(images, [torch.zeros(1, 1, *size) for size in maps])
    mine = kt.detection.fpn_anchors(maps, scales_per_octave=3) * [96, 64, 96, 64]
    theirs = theirs.numpy()
    centre, size = (theirs[:, :2] + theirs[:, 2:]) / 2, theirs[:, 2:] - theirs[:, :2]
    half = np.repeat([4, 8], [8 * 12 * 9, 4 * 6 * 9])[:, None]
    theirs = np.concatenate([centre + half, size], axis=1)
    assert mine.shape == theirs.shape
    for a, b in zip(mine.reshape(-1, 9, 4), theirs.reshape(-1, 9, 4), strict=True):
        # Other order in a cell, and torchvision rounds edges to whole pixels.
        a, b = (x[np.lexsort(np.round(x[:, ::-1]).T)] for x in (a, b))
        np.testing.assert_allclose(a, b, atol=1)
