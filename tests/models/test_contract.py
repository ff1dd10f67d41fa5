import numpy as np
import pytest

import keras_gans as kg
from tests.gan_test_case import GANTestCase

SMALL = {"image_shape": (16, 16, 1), "latent_dim": 8}
AC_GAN = {"width": 4, "discriminator_width": 4}
STYLES = {
    "style_dim": 5,
    "channel_base": 32,
    "channel_max": 4,
    "mapping_depth": 1,
}
DEEP = (
    kg.models.ACGAN,
    kg.models.BigGAN,
    kg.models.ContextEncoder,
    kg.models.CycleGAN,
    kg.models.InfoGAN,
    kg.models.Pix2Pix,
    kg.models.R3GAN,
    kg.models.SAGAN,
    kg.models.SNGAN,
    kg.models.SRGAN,
    kg.models.StyleGAN,
    kg.models.StyleGAN2,
)
BIG_GAN = {
    "image_shape": (32, 32, 1),
    "embedding_dim": 4,
    "width": 2,
    "channels": (2, 1, 1, 1),
}


ENLARGING = {"scale": 2, "width": 4, "blocks": 1, "discriminator_width": 2}
TRANSLATION = {"width": 4, "discriminator_width": 4, "discriminator_layers": 2}


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
            (
                kg.models.SNGAN,
                {"image_shape": (32, 32, 1), "body": "resnet", "width": 2},
            ),
            pytest.param(
                kg.models.SNGAN,
                {"num_classes": 3, "body": "cnn", "width": 2},
                marks=pytest.mark.once,  # the golden values are of this one
            ),
            (
                kg.models.SAGAN,
                {"image_shape": (32, 32, 1), "num_classes": 3, "width": 4},
            ),
            (
                kg.models.R3GAN,
                {"num_classes": 3, "width": 4, "blocks": 1, "group_size": 4},
            ),
            (kg.models.StyleGAN, STYLES),
            (kg.models.StyleGAN2, {"num_classes": 3, **STYLES}),
            (kg.models.BigGAN, {"num_classes": 3, **BIG_GAN}),
            (kg.models.Pix2Pix, {"image_shape_b": (16, 16, 3), **TRANSLATION}),
            (kg.models.SRGAN, {"image_shape": (14, 14, 1), **ENLARGING}),
            (kg.models.ContextEncoder, {"width": 4, "discriminator_width": 4}),
            (kg.models.CycleGAN, {"blocks": 1, "pool_size": 10, **TRANSLATION}),
        ],
    )
    def test_variant(self, cls, sizes, tmp_path):
        given = SMALL | sizes
        if cls is kg.models.InfoGAN:  # noise and codes make the latents' size
            del given["latent_dim"]
        if not issubclass(cls, kg.models.GAN):  # which makes images of images
            del given["latent_dim"]
        shape = (81, *given["image_shape"])
        images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
        # One update of D where the recipe has 4 or 5 of a deep network, which take
        # minutes to trace; several updates are tested with the Wasserstein GANs.
        several = cls in (kg.models.BigGAN, kg.models.SNGAN)
        options = {"discriminator_steps": 1} if several else {}
        if cls is kg.models.StyleGAN2:  # whose penalties the golden values have
            options = {"penalties": []}
        if cls is kg.models.SRGAN:
            options = {"perceptual_loss": "lenet_fashion_mnist"}
        self.run_gan_test(cls, given, images, tmp_path, deep=cls in DEEP, **options)
