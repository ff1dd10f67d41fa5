"""Training of the style networks in plain PyTorch: the peer of `fit`.

The updates are those of our models' recipes: D on real images and fresh fakes, with a
penalty added to the loss of the update it is due in, then G, then the average of its
weights. Everything else is PyTorch's default.
"""

import math

import torch
from torch import nn
from torch.nn.functional import softplus

from benchmarks import pytorch_r3_gan
from benchmarks import pytorch_style
from keras_gans.models.r3_gan.networks import channels_of
from keras_gans.models.style_gan2.networks import stages_of


class StyleGenerator(nn.Module):
    """The mapping and the synthesis network, with style mixing in between."""

    def __init__(self, mapping, synthesis, mixing):
        super().__init__()
        self.mapping, self.synthesis, self.mixing = mapping, synthesis, mixing

    def styles(self, latents):
        """Styles `(B, L, S)`, of two latents where they are mixed."""
        depth = self.synthesis.num_styles
        ws = self.mapping(latents)[:, None].repeat(1, depth, 1)
        if self.mixing == 0.0:
            return ws
        others = self.mapping(torch.randn_like(latents))[:, None]
        shape, device = (len(latents), 1, 1), latents.device
        first = torch.randint(1, depth, shape, device=device)
        mixed = torch.rand(shape, device=device) < self.mixing
        index = torch.arange(depth, device=device)[:, None]
        return torch.where(mixed & (index >= first), others, ws)

    def forward(self, latents):
        """Maps `(B, Z)` to `(B, C, H, W)`."""
        return self.synthesis(self.styles(latents))


def make_networks(model):
    """Networks as in `model`, with its weights: generator, discriminator.

    Args:
        model: A `StyleGAN2` (architecture "resnet") or an `R3GAN`, without classes.
    """
    config, shape = model.get_config(), model.data_spec.shape
    if type(model).__name__ == "R3GAN":
        size, channels = channels_of(shape, config["width"])
        sizes = shape[-1], config["blocks"], config["group_size"]
        generator = pytorch_r3_gan.Generator(size, channels, model.latent_dim, *sizes)
        discriminator = pytorch_r3_gan.Discriminator(size, channels, *sizes)
    else:
        style_dim, depth = config["style_dim"], config["mapping_depth"]
        widths = config["channel_base"], config["channel_max"]
        size, channels = stages_of(shape, *widths)
        generator = StyleGenerator(
            pytorch_style.Mapping(model.latent_dim, style_dim, depth),
            pytorch_style.Synthesis(size, channels, style_dim, shape[-1]),
            model.style_mixing,
        )
        discriminator = pytorch_style.Discriminator(
            size, channels, shape[-1], config["group_size"]
        )
    copy_weights(model.generator, generator)
    copy_weights(model.discriminator, discriminator)
    return generator, discriminator


def copy_weights(ours, theirs):
    """Copies the trainable weights of a Keras model.

    Raises:
        ValueError: If there are others here than there.
    """
    variables = {v.path.replace("/", "."): v for v in ours.trainable_variables}
    for name, parameter in theirs.named_parameters():
        name = name.removeprefix("mapping.").removeprefix("synthesis.")
        name = name.replace("weight", "kernel")
        if name not in variables:
            raise ValueError(f"Expected: a weight {name} in the Keras model.")
        value = torch.as_tensor(variables.pop(name).numpy())
        if name.endswith("kernel"):  # (..., I, O) to (O, I, ...)
            value = value.movedim((-1, -2), (0, 1))
        elif value.ndim == 3:  # features: (h, w, C) to (C, h, w)
            value = value.movedim(-1, 0)
        if value.shape != parameter.shape:
            raise ValueError(
                f"Expected: {name} of shape {tuple(value.shape)}. "
                f"Received: {tuple(parameter.shape)}."
            )
        parameter.data.copy_(value)
    if variables:
        raise ValueError(f"Expected: also the weights {sorted(variables)}.")


class Loop:
    """Trains the networks of a model.

    Args:
        model: As in `make_networks`.
        memory_format: Of PyTorch, of networks and images.
        batch_size: Int.
    """

    def __init__(self, model, memory_format, batch_size):
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.format, self.latent_dim = memory_format, model.latent_dim
        self.relativistic = type(model).__name__ == "R3GAN"
        self.generator, self.discriminator = make_networks(model)
        self.average = make_networks(model)[0]
        for network in (self.generator, self.discriminator, self.average):
            network.to(self.device, memory_format=memory_format)
        self.average.requires_grad_(False)
        self.d_adam, self.g_adam = [
            torch.optim.Adam(network.parameters(), 2e-3, betas=(0.0, 0.99), eps=1e-8)
            for network in (self.discriminator, self.generator)
        ]
        pixels = math.prod(model.data_spec.shape[:2])
        self.gamma = 2e-4 * pixels / batch_size
        self.ema_rate = 1.0 - 0.5 ** (batch_size / 10_000)
        self.path_mean = torch.zeros((), device=self.device)
        self.updates = 0

    def epoch(self, r1_every=None, path_every=None):
        """Makes the loop over an epoch, with penalties in every k-th update or never.

        Returns:
            A callable as in `benchmarks.loops`.
        """

        def weight(every):
            """A penalty's weight in this update, 0 where it is not due."""
            return every if every and self.updates % every == 0 else 0

        def epoch(batches):
            for (images,) in batches:
                losses = self._step(images, weight(r1_every), weight(path_every))
                self.updates += 1
            return [float(loss.detach()) for loss in losses]

        return epoch

    def _draw(self, count):
        return torch.randn(count, self.latent_dim, device=self.device)

    def _step(self, images, r1_weight, path_weight):
        # A view: NHWC in memory is what PyTorch calls channels last.
        images = torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2)
        real = (images.float() / 127.5 - 1.0).contiguous(memory_format=self.format)
        with torch.no_grad():
            fake = self.generator(self._draw(len(real)))
        self.d_adam.zero_grad()
        if self.relativistic:
            d_loss = self._relativistic_backward(real, fake)
        else:
            d_loss = self._discriminator_backward(real, fake, r1_weight)
        self.d_adam.step()

        self.discriminator.requires_grad_(False)
        self.g_adam.zero_grad()
        logits = self.discriminator(self.generator(self._draw(len(real))))
        if self.relativistic:
            logits = logits - self.discriminator(real)
        g_loss = softplus(-logits).mean()
        g_loss.backward()
        if path_weight:
            (path_weight * self._path_length(len(real) // 2)).backward()
        self.g_adam.step()
        self.discriminator.requires_grad_(True)
        with torch.no_grad():
            self._update_average()
        return d_loss, g_loss

    def _discriminator_backward(self, real, fake, r1_weight):
        real_loss = softplus(-self.discriminator(real))
        d_loss = (real_loss + softplus(self.discriminator(fake))).mean()
        d_loss.backward()
        if r1_weight:
            real.requires_grad_(True)
            penalty = _squared_gradients(self.discriminator(real), real)
            (0.5 * self.gamma * r1_weight * penalty).backward()
        return d_loss

    def _relativistic_backward(self, real, fake):
        real.requires_grad_(True)
        fake.requires_grad_(True)
        real_logits, fake_logits = self.discriminator(real), self.discriminator(fake)
        d_loss = softplus(fake_logits - real_logits).mean()
        penalty = _squared_gradients(real_logits, real)
        penalty = penalty + _squared_gradients(fake_logits, fake)
        (d_loss + 0.5 * self.gamma * penalty).backward()
        real.requires_grad_(False)
        return d_loss

    def _path_length(self, count):
        ws = self.generator.styles(self._draw(count))
        images = self.generator.synthesis(ws)
        noise = torch.randn_like(images) / math.sqrt(math.prod(images.shape[2:]))
        (gradients,) = torch.autograd.grad(
            (images * noise).sum(), ws, create_graph=True
        )
        lengths = (gradients.square().sum(2).mean(1) + 1e-12).sqrt()
        self.path_mean.lerp_(lengths.detach().mean(), 0.01)
        return 2.0 * (lengths - self.path_mean).square().mean()

    def _update_average(self):
        pairs = zip(self.generator.parameters(), self.average.parameters(), strict=True)
        for weight, average in pairs:
            average.lerp_(weight, self.ema_rate)
        pairs = zip(self.generator.buffers(), self.average.buffers(), strict=True)
        for buffer, average in pairs:
            average.copy_(buffer)


def _squared_gradients(logits, x):
    """The mean of the samples' squared gradients."""
    (gradients,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradients.square().sum((1, 2, 3)).mean()
