"""A history of generated images: Shrivastava et al. 2017, arXiv:1612.07828.

B: images given, S: size of the pool, n: images in the pool, H, W: sides, C: channels.
"""

import keras
from keras import layers
from keras import ops

from keras_gans import backend
from keras_gans.utils import random
from keras_gans.utils.checks import whole_number


@keras.saving.register_keras_serializable("keras_gans")
class ImagePool(layers.Layer):
    """Gives back generated images, now and then earlier ones.

    A discriminator that sees them does not forget what the generator did before
    (Shrivastava et al. 2017, arXiv:1612.07828, section 2.3). As in CycleGAN
    (arXiv:1703.10593, section 4), of each image:

    * while the pool is not full: it is stored, and returned;
    * then, with probability 1/2: it takes the place of a random image of the pool,
      which is returned; else it is returned itself, and not stored.

    Images of one call take different places, and see the pool as it was before the
    call. No gradient flows through. Data-parallel replicas share a pool. Parts of a
    batch that come one after the other (`micro_batches`) draw as the whole does.

    The images `(S, H, W, C)` and their number n are weights, saved and loaded as
    others; the layer's own seed state is one of `variables`.

    Args:
        size: Int, S; 0 for no pool, which returns what it is given. At least B else,
            of all parts.
        shape: Optional `(H, W, C)`, to make the weights at once, not at the first call.
        seed: Optional int, of the layer's own random numbers.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If `size` is no int of at least 0, or less than the images given.

    Example:

    ```python
    pool = ImagePool(50, shape=(256, 256, 3))
    fake_logits = discriminator(pool(fake_images))
    ```
    """

    def __init__(self, size=50, shape=None, seed=None, **kwargs):
        # Images keep their dtype, whatever precision networks compute in.
        super().__init__(autocast=False, **kwargs)
        self.size = whole_number(size, "size", least=0)
        self.shape = None if shape is None else tuple(shape)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        if self.shape is not None:
            self.build((None, *self.shape))

    def build(self, input_shape):
        """Makes an empty pool."""
        if self.size == 0:
            return
        options = {"trainable": False, "aggregation": "only_first_replica"}
        self.images = self.add_weight(
            shape=(self.size, *input_shape[1:]),
            initializer="zeros",
            dtype="float32",
            autocast=False,
            name="images",
            **options,
        )
        self.count = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", name="count", **options
        )

    def call(self, x, seed=None):
        """Exchanges images.

        Args:
            x: `(B, H, W, C)`, generated images.
            seed: Optional seed generator, in place of the layer's own.

        Returns:
            Tensor of that shape and dtype.
        """
        x = ops.stop_gradient(ops.convert_to_tensor(x))
        if self.size == 0:
            return x
        own, x = ops.shape(x)[0], backend.rows_of_replicas(x)
        index, parts = random.current_part()
        given = x.shape[0]
        if given is not None and given * parts > self.size:
            raise ValueError(
                f"Expected: at most as many images as the pool holds, {self.size}. "
                f"Received: {given * parts}. Make the pool larger or the batch smaller."
            )
        batch = ops.shape(x)[0]
        seed = self.seed_generator if seed is None else seed
        # Of all parts of the batch, of which this one is each `parts`-th row.
        draws = keras.random.uniform(
            (self.size + batch * parts,), dtype="float32", seed=seed
        )

        # Places that are empty and will be filled come first, in their order; the
        # others follow in random order.
        count = ops.convert_to_tensor(self.count)
        filled = ops.minimum(count + batch, self.size)
        places = ops.arange(self.size)
        filling = ops.logical_and(places >= count, places < filled)
        keys = ops.where(
            filling, ops.cast(places - self.size, "float32"), draws[: self.size]
        )
        rows = ops.arange(batch)
        is_new = rows < filled - count
        # Parts take different ones of the others, as the rows of one batch do.
        others = filled - count + index + parts * (rows - (filled - count))
        places = ops.take(ops.argsort(keys), ops.where(is_new, rows, others))  # (B,)
        exchanged = ops.reshape(draws[self.size :], (batch, parts))[:, index] > 0.5

        images = ops.convert_to_tensor(self.images)
        old = ops.take(images, places, axis=0)  # (B, H, W, C)
        new = ops.cast(x, images.dtype)
        stored = _per_image(ops.logical_or(is_new, exchanged))
        returned = _per_image(ops.logical_and(ops.logical_not(is_new), exchanged))
        self.images.assign(
            ops.scatter_update(images, places[:, None], ops.where(stored, new, old))
        )
        self.count.assign(filled)
        outputs = ops.where(returned, ops.cast(old, x.dtype), x)
        if backend.num_replicas() == 1:
            return outputs
        first = backend.replica_id() * own
        return outputs[first : first + own]

    def compute_output_shape(self, input_shape):
        """Returns the shape of the inputs."""
        return input_shape

    def get_config(self):
        """Returns the arguments."""
        config = {"size": self.size, "shape": self.shape, "seed": self.seed}
        return super().get_config() | config


def _per_image(mask):
    """`(B,)` -> `(B, 1, 1, 1)`."""
    return ops.reshape(mask, (-1, 1, 1, 1))
