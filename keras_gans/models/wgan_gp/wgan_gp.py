"""WGAN-GP: the critic is kept Lipschitz by a penalty on its gradient.

Gulrajani et al., "Improved Training of Wasserstein GANs", arXiv:1704.00028,
Algorithm 1 and equation 3:

    mean f(G(z)) - mean f(x) + 10 mean (|grad f(x^)| - 1)^2,

x^ uniform between pairs of real and generated images; Adam with rate 1e-4, beta_1 0 and
beta_2 0.9; batches of 64; five updates of the critic for each of G.

The networks are DCGAN's without batch normalization in the critic, since the penalty is
on each image by itself (section 4 of the paper).
"""

import keras

from keras_gans import losses
from keras_gans import penalties
from keras_gans.models.dcgan import DCGAN
from keras_gans.models.dcgan import dcgan_discriminator
from keras_gans.models.dcgan import dcgan_generator


@keras.saving.register_keras_serializable("keras_gans")
class WGANGP(DCGAN):
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028).

    The arguments are `DCGAN`'s. `d_loss` is minus the estimate of the distance;
    `d_real` and `d_fake` are mean values of the critic.

    Example:

    ```python
    gan = kg.models.WGANGP(image_shape=(32, 32, 1))
    gan.compile()
    gan.fit(images, epochs=50)
    ```
    """

    default_batch_size = 64

    def networks(self, data_spec, latent_dim, width):
        """Makes DCGAN's networks, the critic without batch normalization."""
        return (
            dcgan_generator(data_spec.shape, latent_dim, width),
            dcgan_discriminator(data_spec.shape, width, normalization=None),
        )

    def recipe(self):
        """Algorithm 1 of the paper."""
        return {
            "generator_optimizer": keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9),
            "discriminator_optimizer": keras.optimizers.Adam(
                1e-4, beta_1=0.0, beta_2=0.9
            ),
            "loss": losses.Wasserstein(),
            "penalties": [penalties.GradientPenalty(10.0)],
            "discriminator_steps": 5,
            "ema_half_life": 10_000,
        }
