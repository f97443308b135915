import pytest

import keras_tricks as kt
from keras_tricks.layers._autoaugment_policies import POLICIES


@pytest.mark.parametrize("name", POLICIES)
def test_policy_has_25_pairs_that_every_dialect_can_read(name):
    assert [len(pair) for pair in POLICIES[name]] == [2] * 25
    for pair in POLICIES[name]:
        for _, probability, level in pair:
            assert 0 <= probability <= 1
            assert 0 <= level <= 9
    for dialect in ("torchvision", "timm", "paper"):
        kt.layers.AutoAugment(name, dialect=dialect)


@pytest.mark.reference
def test_policies_are_torchvisions_and_timms(timm):
    from timm.data.auto_augment import auto_augment_policy
    from torchvision.transforms import AutoAugmentPolicy
    from torchvision.transforms.autoaugment import AutoAugment

    for name, pairs in POLICIES.items():
        theirs = AutoAugment(AutoAugmentPolicy(name)).policies
        assert [
            [
                (operation, probability, level or 0)
                for operation, probability, level in p
            ]
            for p in theirs
        ] == [[*pair] for pair in pairs]
    original = auto_augment_policy("original")
    for pair, theirs in zip(POLICIES["imagenet"], original, strict=True):
        for (operation, probability, level), step in zip(pair, theirs, strict=True):
            assert step.name.removesuffix("Original") == operation
            assert step.prob == probability
            assert level in (0, step.magnitude)
