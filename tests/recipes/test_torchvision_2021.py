import numpy as np
import pytest

import keras_tricks as kt


def recipe(**arguments):
    return kt.recipes.torchvision_2021(num_examples=10_240, **arguments)


def test_rate_rises_and_falls_once_per_epoch():
    schedule = recipe().schedule  # 600 epochs of 10 steps
    epochs = np.array([0, 1, 4, 5, 300, 599])
    cosine = 0.25 * (1 + np.cos(np.pi * (epochs - 5) / 595))
    warmup = 0.5 * (0.01 + 0.99 * epochs / 5)
    expected = np.where(epochs < 5, warmup, cosine)
    for step_of_epoch in (0, 9):
        rates = [float(schedule(10 * epoch + step_of_epoch)) for epoch in epochs]
        np.testing.assert_allclose(rates, expected, rtol=1e-5)


def test_only_norms_do_not_decay(decayed):
    assert decayed(recipe()) == {"kernel", "bias"}
    assert recipe().optimizer.decay.rate == 2e-5


def test_loss_smooths_mixed_labels_once():
    logits = np.array([[1.0, -2, 0.5]], "float32")
    targets = 0.9 * np.array([0.6, 0.4, 0]) + 0.1 / 3
    expected = np.log(np.exp(logits).sum()) - (targets * logits).sum()
    loss = recipe().loss(np.array([[0.6, 0.4, 0.0]]), logits)
    assert float(loss) == pytest.approx(expected)


def test_augmentation_stands_in_the_order_of_torchvision():
    crop, _, trivial, erasing, mix = recipe().augmentation.layers
    assert (crop.height, crop.scale) == (176, (0.08, 1.0))
    assert type(trivial) is kt.layers.TrivialAugment
    assert (erasing.probability, erasing.area) == (0.1, (0.02, 0.33))
    assert (mix.mix_up_alpha, mix.cut_mix_alpha, mix.switch_probability) == (
        0.2,
        1,
        0.5,
    )


def test_average_is_that_of_the_training_script():
    # 1 - (1 - 0.99998) * (8 GPUs * 128 * 32 steps / 600 epochs), every 32 steps.
    assert recipe().average_decay == pytest.approx(1 - 2e-5 * 8 * 128 * 32 / 600)
    _, average = recipe().callbacks
    assert average.every == 32
    assert average.decay**32 == pytest.approx(recipe().average_decay)
    smaller = recipe(batch_size=256, epochs=300).average_decay
    assert smaller == pytest.approx(1 - 2e-5 * 256 * 32 / 300)


def test_card_says_what_is_missing():
    card = " ".join(str(recipe()).split())
    assert "80.858 %" in card
    assert "Not included - Repeated augmentation" in card
    assert "FixRes" in card


@pytest.mark.reference
def test_rate_is_that_of_torch_in_every_epoch():
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    schedulers = torch.optim.lr_scheduler
    warmup = schedulers.LinearLR(optimizer, start_factor=0.01, total_iters=5)
    cosine = schedulers.CosineAnnealingLR(optimizer, T_max=95)
    theirs = schedulers.SequentialLR(optimizer, [warmup, cosine], milestones=[5])
    schedule = recipe(epochs=100).schedule
    for epoch in range(100):
        optimizer.step()
        rate = optimizer.param_groups[0]["lr"]
        assert float(schedule(10 * epoch + 3)) == pytest.approx(
            rate, rel=1e-5, abs=1e-9
        )
        theirs.step()
