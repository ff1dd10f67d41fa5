"""The DCGAN in plain PyTorch, without Keras: the peer of `fit`.

The networks are those of `keras_gans.models.DCGAN` in PyTorch's own layers, in its
faster memory format on CPUs (channels last); everything else is PyTorch's default.
"""

import torch
from torch import nn
from torch.nn.functional import softplus

from benchmarks.fit_step import count_parameters


def make_generator(image_shape, latent_dim, width, top):
    """Latents -> transposed convolutions of stride 2 -> `(B, C, H, W)` images.

    Args:
        image_shape: `(H, W, C)`.
        latent_dim: Int.
        width: Int, channels before the image.
        top: Int, how often the sides are halved.
    """
    height, image_width, channels = image_shape
    first = (width << (top - 1), height >> top, image_width >> top)
    stack = [
        nn.Linear(latent_dim, first[0] * first[1] * first[2], bias=False),
        nn.Unflatten(1, first),
        nn.BatchNorm2d(first[0]),
        nn.ReLU(),
    ]
    for i in reversed(range(top - 1)):
        stack += [
            nn.ConvTranspose2d(width << (i + 1), width << i, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width << i),
            nn.ReLU(),
        ]
    stack += [nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh()]
    return nn.Sequential(*stack)


def make_discriminator(image_shape, width, top):
    """Images -> convolutions of stride 2 -> `(B, 1)` logits; see `make_generator`."""
    height, image_width, channels = image_shape
    stack = []
    for i in range(top):
        stack.append(nn.Conv2d(channels, width << i, 4, 2, 1, bias=i == 0))
        channels = width << i
        if i:
            stack.append(nn.BatchNorm2d(channels))
        stack.append(nn.LeakyReLU(0.2))
    units = (height >> top) * (image_width >> top) * channels
    return nn.Sequential(*stack, nn.Flatten(), nn.Linear(units, 1))


def make_networks(model, width):
    """Generator, discriminator and the averaged generator, sized as in `model`."""
    shape = model.data_spec.shape
    top = sum("conv" in layer.name for layer in model.discriminator.layers)
    made = [
        make_generator(shape, model.latent_dim, width, top),
        make_discriminator(shape, width, top),
        make_generator(shape, model.latent_dim, width, top),
    ]
    for ours, theirs in zip((model.generator, model.discriminator), made, strict=False):
        expected = count_parameters(ours)
        received = sum(p.numel() for p in theirs.parameters())
        if received != expected:
            raise ValueError(f"Expected: {expected} parameters. Received: {received}.")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for network in made:
        for parameter in network.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, 0.0, 0.02)
        network.to(device, memory_format=torch.channels_last)
    return *made, device


def make_epoch(model, width, ema_rate):
    """Makes the loop over an epoch, as in `benchmarks.loops`."""
    generator, discriminator, ema_generator, device = make_networks(model, width)
    ema_generator.load_state_dict(generator.state_dict())
    d_adam, g_adam = [
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999), eps=1e-7)
        for network in (discriminator, generator)
    ]

    def draw_fakes(count):
        return generator(torch.randn(count, model.latent_dim, device=device))

    def step(images):
        # A view: NHWC in memory is what PyTorch calls channels last.
        images = torch.from_numpy(images).to(device).permute(0, 3, 1, 2)
        real = images.float() / 127.5 - 1.0
        with torch.no_grad():
            fake = draw_fakes(len(real))
        d_adam.zero_grad()
        real_loss = softplus(-discriminator(real))
        d_loss = (real_loss + softplus(discriminator(fake))).mean()
        d_loss.backward()
        d_adam.step()

        discriminator.requires_grad_(False)
        g_adam.zero_grad()
        g_loss = softplus(-discriminator(draw_fakes(len(real)))).mean()
        g_loss.backward()
        g_adam.step()
        discriminator.requires_grad_(True)
        with torch.no_grad():
            ours, averages = generator.parameters(), ema_generator.parameters()
            for weight, average in zip(ours, averages, strict=True):
                average.lerp_(weight, ema_rate)
            ours, averages = generator.buffers(), ema_generator.buffers()
            for buffer, average in zip(ours, averages, strict=True):
                average.copy_(buffer)
        return d_loss, g_loss

    def epoch(batches):
        for (images,) in batches:
            losses = step(images)
        return [float(loss.detach()) for loss in losses]

    return epoch
