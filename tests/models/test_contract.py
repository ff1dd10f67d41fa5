import numpy as np
import pytest

import keras_gans as kg
from tests.gan_test_case import GANTestCase

SMALL = {"image_shape": (16, 16, 1), "latent_dim": 8}


class TestContract(GANTestCase):
    @pytest.mark.parametrize(
        ("cls", "sizes"),
        [
            (kg.models.GAN, {"hidden_units": 20}),
            (kg.models.DCGAN, {"width": 4}),
            (kg.models.WGAN, {"width": 4}),
            (kg.models.WGANGP, {"width": 4}),
        ],
    )
    def test_variant(self, cls, sizes, tmp_path):
        images = np.random.default_rng(0).integers(0, 256, (81, 16, 16, 1), "uint8")
        self.run_gan_test(cls, SMALL | sizes, images, tmp_path)
