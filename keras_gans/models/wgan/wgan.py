"""WGAN: the critic estimates a distance, and is kept Lipschitz by clipping.

Arjovsky, Chintala and Bottou, "Wasserstein GAN", arXiv:1701.07875, Algorithm 1:

    D maximises  mean f(x) - mean f(G(z)),  weights clipped to [-0.01, 0.01];
    G maximises  mean f(G(z));

RMSprop with rate 5e-5, batches of 64, five updates of the critic for each of G.

The networks are DCGAN's, as in the paper's section 4. Deviations: the authors' code
trains the critic for 100 updates at the start and now and then; not here. Clipping
covers every trainable weight of the critic, batch normalization's too, as in their
code.
"""

import keras

from keras_gans import losses
from keras_gans import penalties
from keras_gans.models.dcgan import DCGAN


@keras.saving.register_keras_serializable("keras_gans")
class WGAN(DCGAN):
    """Wasserstein GAN with weight clipping (Arjovsky et al. 2017, arXiv:1701.07875).

    The networks, and so the arguments, are `DCGAN`'s. `d_loss` is minus the estimate of
    the distance; `d_real` and `d_fake` are mean values of the critic.

    Example:

    ```python
    gan = kg.models.WGAN(image_shape=(32, 32, 1))
    gan.compile()
    gan.fit(images, epochs=50)
    ```
    """

    default_batch_size = 64

    def recipe(self):
        """Algorithm 1 of the paper."""
        return {
            "generator_optimizer": keras.optimizers.RMSprop(5e-5),
            "discriminator_optimizer": keras.optimizers.RMSprop(5e-5),
            "loss": losses.Wasserstein(),
            "penalties": [penalties.WeightClipping(0.01)],
            "discriminator_steps": 5,
            "ema_half_life": 10_000,
        }
