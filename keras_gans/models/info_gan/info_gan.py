r"""InfoGAN: codes that the generator cannot ignore, learned without labels.

Chen et al., "InfoGAN: Interpretable Representation Learning by Information Maximizing
Generative Adversarial Nets", arXiv:1606.03657. Equations 5 and 6,

    min_{G, Q} max_D  V(D, G) - lambda L_I(G, Q),
    L_I = E_{c, x = G(z, c)}[log Q(c | x)] + H(c)  <=  I(c; G(z, c)),

with Q a head on D's body. Codes: categorical ones, whose Q is a softmax, and continuous
ones of U(-1, 1), whose Q is a normal distribution of deviation 1, so that

    -log Q(c | x) = cross-entropy + |c - mean(x)|^2 / 2 + const.

As in the authors' code lambda is 1, Q is trained with D, and both D's and G's
objectives have the term, of generated images. Appendix C.1, digits:

    D: 4 x 4 convolutions of 64 and 128, stride 2; 1024 units; logit
    Q: D's 1024 units -> 128 -> codes
    G: 1024 units -> 7 x 7 x 128 -> transposed convolutions of 64 and to the image

batch normalization but on D's first layer and G's last, LeakyReLU(0.1) in D, ReLU in G;
62 numbers of noise, one categorical code of 10, two continuous ones; Adam with rate
2e-4 for D and 1e-3 for G, beta_1 0.5; batches of 128.

Deviations: images have a tanh at the end (a sigmoid there); samples come from an
average of the generator's weights.

A latent is [noise, one-hot codes, continuous codes].
"""

import keras
import numpy as np
from keras import layers
from keras import ops

from keras_gans.layers import Conv2D
from keras_gans.layers import Conv2DTranspose
from keras_gans.models.dcgan.dcgan import batch_norm
from keras_gans.models.dcgan.dcgan import normal
from keras_gans.models.gan import GAN
from keras_gans.utils import random
from keras_gans.utils.checks import number
from keras_gans.utils.checks import whole_number
from keras_gans.utils.random import sample_latents


def _quarter(image_shape):
    height, width, _ = image_shape
    if height % 4 or width % 4:
        raise ValueError(
            "Expected: sides of an image that are multiples of 4, such as 28 or 32. "
            f"Received: {height} x {width}. Resize the images, for instance with "
            "`image_size=32`."
        )
    return height // 4, width // 4


def _dense(units):
    return layers.Dense(units, use_bias=False, kernel_initializer=normal())


def info_gan_generator(image_shape, latent_dim, width=64):
    """Latents -> two dense layers -> two transposed convolutions -> images.

    Args:
        image_shape: `(H, W, C)`; sides are multiples of 4.
        latent_dim: Int, noise and codes together.
        width: Int, channels before the image; 16 times as many units in the first
            layer.

    Returns:
        A `keras.Sequential` from `(B, Z)` to `(B, H, W, C)` in [-1, 1], float32.
    """
    top = (*_quarter(image_shape), 2 * width)
    return keras.Sequential(
        [
            layers.Input((latent_dim,)),
            _dense(16 * width),
            batch_norm(),
            layers.ReLU(),
            _dense(top[0] * top[1] * top[2]),
            batch_norm(),
            layers.ReLU(),
            layers.Reshape(top),
            Conv2DTranspose(
                width, 4, 2, padding="same", use_bias=False, kernel_initializer=normal()
            ),
            batch_norm(),
            layers.ReLU(),
            Conv2DTranspose(
                image_shape[-1], 4, 2, padding="same", kernel_initializer=normal()
            ),
            layers.Activation("tanh", dtype="float32"),
        ],
        name="generator",
    )


def info_gan_discriminator(image_shape, categorical, continuous, width=64):
    """Images -> two convolutions -> a dense layer -> logit, and Q's heads.

    Args:
        image_shape: `(H, W, C)`; sides are multiples of 4.
        categorical: Tuple of ints, sizes of the categorical codes.
        continuous: Int, number of continuous codes.
        width: Int, channels after the first convolution.

    Returns:
        A `keras.Model` from `(B, H, W, C)` to a dict, float32: "logits" `(B, 1)`, and
        Q's "categorical" logits, `(B, sum)`, and "continuous" means.
    """
    _quarter(image_shape)
    images = keras.Input(image_shape)
    x = Conv2D(width, 4, 2, padding="same", kernel_initializer=normal())(images)
    x = layers.LeakyReLU(0.1)(x)
    x = Conv2D(
        2 * width, 4, 2, padding="same", use_bias=False, kernel_initializer=normal()
    )(x)
    x = layers.LeakyReLU(0.1)(batch_norm()(x))
    x = _dense(16 * width)(layers.Flatten()(x))
    x = layers.LeakyReLU(0.1)(batch_norm()(x))
    q = layers.LeakyReLU(0.1)(batch_norm()(_dense(2 * width)(x)))
    heads = {
        "logits": (x, 1),
        "categorical": (q, sum(categorical)),
        "continuous": (q, continuous),
    }
    outputs = {
        name: layers.Dense(
            units, kernel_initializer=normal(), dtype="float32", name=name
        )(features)
        for name, (features, units) in heads.items()
        if units
    }
    return keras.Model(images, outputs, name="discriminator")


@keras.saving.register_keras_serializable("keras_gans")
class InfoGAN(GAN):
    """InfoGAN (Chen et al. 2016, arXiv:1606.03657): codes found without labels.

    Besides the logs of every GAN there are `d_info` and `g_info`, the mean of
    -log Q(c | x) in nats, without the constant of the normal distribution.

    Args:
        image_shape: `(H, W, C)`; sides are multiples of 4.
        noise_dim: Int, numbers of noise, U(-1, 1).
        categorical: Tuple of ints, sizes of the categorical codes.
        continuous: Int, number of continuous codes, U(-1, 1).
        info_weight: Float >= 0, lambda.
        width: Int, channels next to the image.
        **kwargs: As in `GAN`: `generator`, `discriminator`, `seed`, `name`, `dtype`. A
            discriminator of your own returns a dict as `info_gan_discriminator` does.

    Attributes:
        latent_dim: Noise and codes together.

    Raises:
        ValueError: If there are no codes, their sizes are out of range, or `pac` is
            not 1.

    Example:

    ```python
    images, _ = kg.datasets.load("fashion_mnist")
    gan = kg.models.InfoGAN((28, 28, 1))
    gan.compile()
    gan.fit(images, epochs=20)
    latents = gan.sample_latents(10, seed=0, categorical=np.arange(10))
    one_of_each = gan.generate(latents=latents)
    ```
    """

    default_batch_size = 128
    term_names = ("d_info", "g_info")

    def __init__(
        self,
        image_shape=(28, 28, 1),
        *,
        noise_dim=62,
        categorical=(10,),
        continuous=2,
        info_weight=1.0,
        width=64,
        latent_distribution="uniform",
        **kwargs,
    ):
        if not isinstance(categorical, tuple | list):
            raise ValueError(
                "Expected: `categorical` as numbers of values, one for each code, such "
                f"as (10,). Received: {categorical!r}."
            )
        categorical = tuple(whole_number(n, "categorical") for n in categorical)
        if min(categorical, default=2) < 2:
            raise ValueError(
                "Expected: `categorical` codes of at least 2 values each. Received: "
                f"{categorical}."
            )
        continuous = whole_number(continuous, "continuous", least=0, meaning="codes")
        noise_dim = whole_number(noise_dim, "noise_dim")
        if "latent_dim" in kwargs:
            raise ValueError(
                "Expected: `noise_dim`, from which InfoGAN's latents and their codes "
                f"follow. Received: latent_dim={kwargs['latent_dim']!r}."
            )
        if not (categorical or continuous):
            raise ValueError(
                "Expected: at least one code, `categorical` or `continuous`. "
                "Received: none. Without codes it is a `DCGAN`."
            )
        info_weight = number(info_weight, "info_weight", 0.0)
        if kwargs.get("pac", 1) != 1:
            raise ValueError(
                "Expected: `pac=1`, as the examples of a pack differ in their codes, "
                f"of which Q judges one example each. Received: pac={kwargs['pac']!r}. "
                "Leave it out, or pack with a `DCGAN`."
            )
        super().__init__(
            image_shape,
            latent_dim=noise_dim + sum(categorical) + continuous,
            latent_distribution=latent_distribution,
            categorical=categorical,
            continuous=continuous,
            width=width,
            **kwargs,
        )
        self.noise_dim = noise_dim
        self.categorical = categorical
        self.continuous = continuous
        self.info_weight = info_weight

    def networks(self, data_spec, latent_dim, categorical, continuous, width):
        """Makes the paper's networks."""
        return (
            info_gan_generator(data_spec.shape, latent_dim, width),
            info_gan_discriminator(data_spec.shape, categorical, continuous, width),
        )

    def recipe(self):
        """Appendix C.1 of the paper."""
        return super().recipe() | {
            "generator_optimizer": keras.optimizers.Adam(1e-3, beta_1=0.5),
            "discriminator_optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5),
        }

    # ---------------------------------------------------------------- codes

    def draw_latents(self, count):
        """Draws noise and codes `(count, Z)` inside the step."""
        seed = self.seed_generator
        if self.latent_distribution == "normal":
            noise = random.normal((count, self.noise_dim), seed)
        else:
            noise = random.uniform((count, self.noise_dim), seed, -1.0, 1.0)
        parts = [noise]
        for size in self.categorical:
            index = ops.floor(size * random.uniform((count,), seed))
            parts.append(ops.one_hot(ops.cast(index, "int32"), size, dtype="float32"))
        if self.continuous:
            shape = (count, self.continuous)
            parts.append(random.uniform(shape, seed, -1.0, 1.0))
        return ops.concatenate(parts, axis=-1)

    def sample_latents(
        self, num_samples, seed=None, truncation=None, *, categorical=None,
        continuous=None,
    ):  # fmt: skip
        """Draws latents with NumPy, with codes that are asked for.

        Args:
            num_samples: Int, N.
            seed: Optional int.
            truncation: As in `GAN.sample_latents`, of normal noise.
            categorical: Optional ints `(N, number of codes)`, `(N,)` for one code, or
                one int; None for random ones.
            continuous: Optional floats `(N, number of codes)`, `(N,)` for one code, or
                one float; None for random ones.

        Returns:
            Float32 array `(N, Z)`.

        Raises:
            ValueError: If codes have the wrong shape or are out of range.
        """
        if seed is not None:
            seed = whole_number(seed, "seed", least=0)
        rng = np.random.default_rng(seed)
        parts = [
            sample_latents(
                (num_samples, self.noise_dim), self.latent_distribution,
                int(rng.integers(2**31)), truncation,
            )
        ]  # fmt: skip
        sizes = np.array(self.categorical, "int64")
        shape = (num_samples, len(sizes))
        drawn = rng.integers(sizes, size=shape) if len(sizes) else np.zeros(shape, int)
        index = _codes("categorical", categorical, drawn)
        if not ((index == np.round(index)) & (index >= 0) & (index < sizes)).all():
            raise ValueError(
                f"Expected: `categorical` codes as ints below {self.categorical}. "
                f"Received: values in {index.min()}..{index.max()}."
            )
        for code, size in zip(index.T.astype(int), self.categorical, strict=True):
            parts.append(np.eye(size)[code])
        drawn = rng.uniform(-1.0, 1.0, (num_samples, self.continuous))
        parts.append(_codes("continuous", continuous, drawn))
        return np.concatenate(parts, axis=1).astype("float32")

    def infer_codes(self, images, batch_size=64):
        """What Q says of images: which codes they would have been made from.

        Args:
            images: `(N, H, W, C)`, uint8 or float in [-1, 1].
            batch_size: Int.

        Returns:
            Dict: "categorical", int32 `(N, number of codes)`, the likeliest ones, and
            "continuous", float32 `(N, number of codes)`, means.
        """
        images = np.asarray(images)
        self.data_spec.check(images, "images")
        seen = ops.convert_to_numpy(self.data_spec.to_network(images))
        outputs = self.discriminator.predict(seen, batch_size=batch_size, verbose=0)
        ends = np.cumsum(self.categorical)[:-1]
        found = {}
        if self.categorical:
            logits = np.split(outputs["categorical"], ends, axis=1)
            found["categorical"] = np.stack([x.argmax(axis=1) for x in logits], axis=1)
            found["categorical"] = found["categorical"].astype("int32")
        if self.continuous:
            found["continuous"] = np.asarray(outputs["continuous"], "float32")
        return found

    # ---------------------------------------------------------------- objectives

    def discriminator_terms(self, real_outputs, fake_outputs, labels, latents):
        """-log Q(c | x) of generated images."""
        return {"d_info": (self.info_weight, self._info(fake_outputs, latents))}

    def generator_terms(self, fake_outputs, labels, latents):
        """-log Q(c | x) of generated images."""
        return {"g_info": (self.info_weight, self._info(fake_outputs, latents))}

    def _info(self, outputs, latents):
        """-log Q(c | x), `(B,)`."""
        total, begin, place = 0.0, self.noise_dim, 0
        for size in self.categorical:
            code = latents[:, begin : begin + size]
            logits = ops.cast(outputs["categorical"], "float32")
            logits = logits[:, place : place + size]
            total = total - ops.sum(code * ops.log_softmax(logits, axis=-1), axis=-1)
            begin, place = begin + size, place + size
        if self.continuous:
            error = latents[:, begin:] - ops.cast(outputs["continuous"], "float32")
            total = total + ops.sum(ops.square(error), axis=-1) / 2.0
        return total

    def get_config(self):
        """Returns the arguments."""
        config = super().get_config()
        del config["latent_dim"]  # of noise and codes together
        return config | {
            "noise_dim": self.noise_dim,
            "info_weight": self.info_weight,
        }


def _codes(name, codes, drawn):
    """Codes that are asked for in the shape of the drawn ones, or these."""
    if codes is None:
        return drawn
    codes = np.asarray(codes)
    if codes.ndim == 1:
        codes = codes[:, None]
    try:
        return np.broadcast_to(codes, drawn.shape)
    except ValueError as error:
        raise ValueError(
            f"Expected: `{name}` codes of shape {drawn.shape}. Received: {codes.shape}."
        ) from error
