import numpy as np
import pytest

import keras_tricks as kt


def recipe(**arguments):
    return kt.recipes.resnet_strikes_back_a2(num_examples=20_480, **arguments)


def test_warmup_hides_the_beginning_of_the_cosine():
    schedule = recipe().schedule  # 300 epochs of 10 steps
    epochs = np.array([0, 2, 4, 5, 150, 299])
    warmup = 1e-5 + (5e-3 - 1e-5) * epochs / 5
    cosine = 2.5e-3 * (1 + np.cos(np.pi * epochs / 300))
    expected = np.where(epochs < 5, warmup, cosine)
    for step_of_epoch in (0, 9):
        rates = [float(schedule(10 * epoch + step_of_epoch)) for epoch in epochs]
        np.testing.assert_allclose(rates, expected, rtol=1e-5)
    assert float(schedule(3000)) == 0


def test_rate_follows_the_root_of_the_batch_size():
    assert recipe(batch_size=512).learning_rate == pytest.approx(2.5e-3)


def test_lamb_decays_kernels_only_and_clips(decayed):
    assert decayed(recipe()) == {"kernel"}
    optimizer = recipe().optimizer
    assert type(optimizer) is kt.optimizers.LAMB
    assert optimizer.decay.rate == 0.02
    assert optimizer.global_clipnorm == 1.0


def test_loss_takes_both_mixed_classes_as_present():
    logits = np.array([[1.0, -2, 0.5, 0.1]], "float32")
    mixed = np.array([[0.75, 0.25, 0.0, 0.0]])
    present = np.array([1, 1, 0, 0])
    expected = np.log1p(np.exp(np.where(present, -logits, logits))).mean()
    assert float(recipe().loss(mixed, logits)) == pytest.approx(expected, rel=1e-6)
    little = np.array([[0.85, 0.15, 0.0, 0.0]])
    expected = np.log1p(np.exp(np.where([1, 0, 0, 0], -logits, logits))).mean()
    assert float(recipe().loss(little, logits)) == pytest.approx(expected, rel=1e-6)


def test_augmentation_is_timms():
    crop, _, policy, mix = recipe().augmentation.layers
    assert crop.height == 224
    assert (policy.num_ops, policy.magnitude, policy.magnitude_std) == (2, 7, 0.5)
    assert policy.dialect == "timm_increasing"
    assert (mix.mix_up_alpha, mix.cut_mix_alpha, mix.switch_probability) == (
        0.1,
        1,
        0.5,
    )


def test_card_quotes_the_keras_figure_and_what_is_missing():
    card = " ".join(str(recipe()).split())
    for text in ("79.828 %", "79.55 %", "79.706 %", "Repeated augmentation"):
        assert text in card
    assert "Stochastic depth 0.05" in card


@pytest.mark.reference
def test_rate_is_that_of_timm_in_every_epoch(timm):
    import torch
    from timm.scheduler import create_scheduler_v2

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=5e-3)
    theirs, _ = create_scheduler_v2(
        optimizer, "cosine", num_epochs=300, warmup_epochs=5, warmup_lr=1e-5
    )
    schedule = recipe().schedule
    for epoch in range(300):
        rate = optimizer.param_groups[0]["lr"]
        mine = float(schedule(10 * epoch + 3))
        assert mine == pytest.approx(rate, rel=1e-5, abs=1e-9)
        theirs.step(epoch + 1)
