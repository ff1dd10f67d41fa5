"""Minibatch standard deviation: Karras et al. 2018, arXiv:1710.10196, section 3.

B: batch, G: samples in a group, M: groups, F: feature maps appended, C: channels.
"""

import keras
from keras import layers
from keras import ops

from keras_gans.utils.checks import whole_number


@keras.saving.register_keras_serializable("keras_gans")
class MinibatchStandardDeviation(layers.Layer):
    r"""Appends to each sample how much the samples of its group differ.

        s = mean over positions and channels of sqrt(var over the group + 1e-8)

    as one more feature map, constant over the positions (Karras et al. 2018,
    "Progressive Growing of GANs", arXiv:1710.10196, section 3; groups as in StyleGAN,
    arXiv:1812.04948). For the discriminator's last layers. With `num_channels=F`, the
    channels are cut into F parts with a feature map each.

    The batch is cut into M = ceil(B / G) groups, G the smaller of `group_size` and B;
    sample i belongs to group i mod M. Where G does not divide B, the batch's first
    samples fill the groups up, as if they came twice.

    Samples of a group so influence one another's logits: see `MinibatchDiscrimination`.

    Args:
        group_size: Int >= 1, G, or None for the whole batch.
        num_channels: Int >= 1, F; must divide C.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If an argument is out of range, or F does not divide C.

    Example:

    >>> MinibatchStandardDeviation(4)(np.zeros((8, 4, 4, 16), "float32")).shape
    (8, 4, 4, 17)
    """

    def __init__(self, group_size=4, num_channels=1, **kwargs):
        super().__init__(**kwargs)
        if group_size is not None:
            group_size = whole_number(group_size, "group_size")
        self.group_size = group_size
        self.num_channels = whole_number(num_channels, "num_channels")

    def build(self, input_shape):
        """Checks the channels."""
        if len(input_shape) < 2 or input_shape[-1] % self.num_channels:
            raise ValueError(
                "Expected: inputs (B, ..., C) with C a multiple of num_channels="
                f"{self.num_channels}. Received: {tuple(input_shape)}."
            )

    def call(self, x):
        """Maps `(B, ..., C)` to `(B, ..., C + F)`."""
        shape = tuple(x.shape)
        count = ops.shape(x)[0]
        size = self.group_size or count
        if isinstance(count, int):
            size = min(size, count)
        else:
            size = ops.minimum(size, count)
        groups = (count + size - 1) // size
        y = ops.cast(x, "float32")
        if not isinstance(count, int) or groups * size != count:
            y = ops.take(y, ops.arange(groups * size) % count, axis=0)
        parts = self.num_channels, shape[-1] // self.num_channels
        y = ops.reshape(y, (size, groups, -1, *parts))  # (G, M, H * W, F, C / F)
        y = y - ops.mean(y, axis=0, keepdims=True)
        stddev = ops.sqrt(ops.mean(ops.square(y), axis=0) + 1e-8)
        stddev = ops.mean(stddev, axis=(1, 3))  # (M, F)
        # Sample i belongs to group i mod M.
        stddev = ops.take(stddev, ops.arange(count) % groups, axis=0)  # (B, F)
        ones = (1,) * (len(shape) - 2)
        stddev = ops.reshape(stddev, (-1, *ones, self.num_channels))
        stddev = ops.cast(stddev, x.dtype) * ops.ones_like(x[..., :1])
        return ops.concatenate([x, stddev], axis=-1)

    def compute_output_shape(self, input_shape):
        """Returns `(B, ..., C + F)`."""
        return (*input_shape[:-1], input_shape[-1] + self.num_channels)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "group_size": self.group_size,
            "num_channels": self.num_channels,
        }
