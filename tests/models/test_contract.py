import numpy as np
import pytest

import keras_gans as kg
from tests.gan_test_case import GANTestCase

SMALL = {"image_shape": (16, 16, 1), "latent_dim": 8}
AC_GAN = {"width": 4, "discriminator_width": 4}


class TestContract(GANTestCase):
    @pytest.mark.parametrize(
        ("cls", "sizes"),
        [
            (kg.models.GAN, {"hidden_units": 20}),
            (kg.models.DCGAN, {"width": 4}),
            (kg.models.WGAN, {"width": 4}),
            (kg.models.WGANGP, {"width": 4}),
            (kg.models.ConditionalGAN, {"num_classes": 3, "hidden_units": 20}),
            (
                kg.models.ConditionalGAN,
                {"num_attributes": 2, "body": "dcgan", "width": 4},
            ),
            (kg.models.ACGAN, {"num_classes": 3, **AC_GAN}),
            (kg.models.InfoGAN, {"noise_dim": 4, "categorical": (3, 2), "width": 2}),
        ],
    )
    def test_variant(self, cls, sizes, tmp_path):
        images = np.random.default_rng(0).integers(0, 256, (81, 16, 16, 1), "uint8")
        given = SMALL | sizes
        if cls is kg.models.InfoGAN:  # noise and codes make the latents' size
            del given["latent_dim"]
        self.run_gan_test(cls, given, images, tmp_path)
