import json

import numpy as np
import pytest

import keras_gans as kg
from tests.models.test_translation import A
from tests.models.test_translation import B
from tests.models.test_translation import cycle_gan
from tests.models.test_translation import scaled

TRUTH = np.rint(127.5 + (A - 127.5) / 2).astype("uint8")


def half(**kwargs):
    """A model whose generators halve, which no training changes."""
    model = cycle_gan(generator_b=scaled(0.5), generator_a=scaled(0.5), **kwargs)
    model.compile(generator_optimizer="sgd")
    model.generator_optimizer.learning_rate.assign(0.0)
    return model


def test_values_are_those_of_the_translations():
    model = half()
    noisy = np.clip(TRUTH.astype(int) + 10, 0, 255).astype("uint8")
    monitors = [
        kg.callbacks.TranslationMonitor(A, truth, ["psnr", "ssim"], to=to)
        for to, truth in (("b", TRUTH), ("a", noisy))
    ]
    model.fit((A, B), batch_size=4, callbacks=monitors[:1], verbose=0)
    assert monitors[0].values["ssim"] == pytest.approx(1.0, abs=1e-3)
    assert monitors[0].values["psnr"] > 50
    assert monitors[0]._best.higher_is_better("psnr")
    history = model.fit((A, B), batch_size=4, callbacks=monitors[1:], verbose=0).history
    # Off by 10 of 255.
    assert history["psnr"][0] == pytest.approx(20 * np.log10(25.5), abs=0.1)
    assert monitors[1].values["ssim"] < 1.0


def test_distances_and_perceptual_distances(tmp_path):
    model = half()
    monitor = kg.callbacks.TranslationMonitor(
        A, TRUTH, ["kid", "perceptual"], keep_best=tmp_path / "best", monitor=None
    )
    model.fit((A, B), batch_size=4, callbacks=[monitor], verbose=0)
    (perceptual,) = [k for k in monitor.values if k.startswith("perceptual_distance")]
    assert monitor.values[perceptual] == pytest.approx(0.0, abs=1e-3)
    assert not monitor._best.higher_is_better(perceptual)
    assert any(key.startswith("kid_efficientnet") for key in monitor.values)
    again = kg.models.CycleGAN.from_preset(tmp_path / "best")
    assert (again.translate(A) == model.translate(A)).all()


@pytest.mark.parametrize("first", ["ssim", "perceptual", "kid"])
def test_the_first_metric_tells_the_best(first, tmp_path):
    others = [name for name in ("ssim", "perceptual", "kid") if name != first]
    monitor = kg.callbacks.TranslationMonitor(
        A, TRUTH, [first, *others], keep_best=tmp_path / "best"
    )
    half().fit((A, B), batch_size=4, callbacks=[monitor], verbose=0)
    config = json.loads((tmp_path / "best" / "config.json").read_text())
    assert config["metadata"]["best"]["monitor"].startswith(first)


def test_a_few_bright_images():
    bright = np.abs(A.astype("float32") / 127.5 - 1.0)
    monitor = kg.callbacks.TranslationMonitor(bright, bright, ["psnr"])
    with pytest.warns(UserWarning, match="all are bright"):
        half().fit((A, B), batch_size=4, callbacks=[monitor], verbose=0)
    assert np.isfinite(monitor.values["psnr"])


def test_wrong_arguments():
    with pytest.raises(ValueError, match="no `num_samples`.*Received: 5"):
        kg.callbacks.TranslationMonitor(A, B, num_samples=5)
    with pytest.raises(ValueError, match="no `real_labels`"):
        kg.callbacks.TranslationMonitor(A, B, real_labels=[0] * len(B))
    with pytest.raises(ValueError, match="as many `target_images`.*4 and 7"):
        kg.callbacks.TranslationMonitor(A, B, ["psnr"])
    with pytest.raises(ValueError, match="'b' or 'a'. Received: 'c'"):
        half().fit((A, B), callbacks=[kg.callbacks.TranslationMonitor(A, B, to="c")])
    with pytest.raises(ValueError, match="DCGAN: use `MetricMonitor`"):
        gan = kg.models.DCGAN((16, 16, 3), width=4)
        gan.compile()
        gan.fit(A, callbacks=[kg.callbacks.TranslationMonitor(A, B)], verbose=0)
    with pytest.raises(ValueError, match="use `TranslationMonitor`"):
        half().fit((A, B), callbacks=[kg.callbacks.FrechetDistance(A)], verbose=0)
