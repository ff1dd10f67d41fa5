"""torch: eager, with gradients from `torch.autograd.grad`."""

import keras
import torch
from torch.nn.functional import softplus


def make_epoch(model, batch_size, ema_rate):
    """Makes the loop over an epoch; see `benchmarks.loops`."""
    generator, discriminator = model.generator, model.discriminator
    device = generator.weights[0].value.device
    pairs = list(zip(generator.weights, model.ema_generator.weights, strict=True))
    adams = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in range(2)]
    for adam, network in zip(adams, (discriminator, generator), strict=True):
        adam.build(network.trainable_variables)

    def minimise(loss, network, adam):
        variables = network.trainable_variables
        gradients = torch.autograd.grad(loss, [v.value for v in variables])
        with torch.no_grad():
            adam.apply(gradients, variables)

    def draw_fakes():
        latents = torch.randn(batch_size, model.latent_dim, device=device)
        return generator(latents, training=True)

    def step(images):
        real = torch.from_numpy(images).to(device).float() / 127.5 - 1.0
        with torch.no_grad():
            fake = draw_fakes()
        real_loss = softplus(-discriminator(real, training=True))
        fake_loss = softplus(discriminator(fake, training=True))
        d_loss = (real_loss + fake_loss).mean()
        minimise(d_loss, discriminator, adams[0])
        g_loss = softplus(-discriminator(draw_fakes(), training=True)).mean()
        minimise(g_loss, generator, adams[1])
        with torch.no_grad():
            for weight, average in pairs:
                rate = ema_rate if weight.trainable else 1.0
                average.value.lerp_(weight.value, rate)
        return d_loss, g_loss

    def epoch(batches):
        for images in batches:
            losses = step(images)
        return [float(loss.detach()) for loss in losses]

    return epoch


def make_sampler(generator):
    """Makes a function from latents to images; see `benchmarks.loops`."""
    device = generator.weights[0].value.device

    @torch.no_grad()
    def generate(latents):
        latents = torch.from_numpy(latents).to(device)
        return generator(latents, training=False).cpu().numpy()

    return generate
