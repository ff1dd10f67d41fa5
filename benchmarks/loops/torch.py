"""torch: eager, with gradients from `torch.autograd.grad`."""

import functools
import types

import torch


def _gradient(fn, x):
    x = x if x.requires_grad else x.detach().requires_grad_(True)
    return torch.autograd.grad(fn(x).sum(), x, create_graph=True)[0]


def make_epoch(game, ema_rate):
    """Makes the loop over an epoch; see `benchmarks.loops`."""
    game.build()
    device = game.players[0].weights[0].value.device
    tools = types.SimpleNamespace(
        normal=lambda shape: torch.randn(*shape, device=device),
        uniform=lambda shape: torch.rand(*shape, device=device),
        gradient=_gradient,
        no_gradients=torch.no_grad,
    )
    pairs, updates = game.pairs(ema_rate), [0]

    def minimise(due, player, shown, examples):
        loss, shows = player.objective(tools, due, shown, *examples)
        values = [variable.value for variable in player.weights]
        gradients = torch.autograd.grad(loss, values)
        with torch.no_grad():
            player.optimizer.apply(gradients, player.weights)
        return loss.detach(), shows

    def step(batch, due):
        arrays = [torch.from_numpy(array).to(device) for array in batch]
        losses = game.play(arrays, torch.chunk, functools.partial(minimise, due))
        with torch.no_grad():
            for weight, average, rate in pairs:
                average.value.lerp_(weight.value, rate)
        return losses

    def epoch(batches):
        for batch in batches:
            losses = step(batch, game.due(updates[0]))
            updates[0] += 1
        return [float(loss) for loss in losses]

    return epoch


def make_sampler(generator):
    """Makes a function from latents to images; see `benchmarks.loops`."""
    device = generator.weights[0].value.device

    @torch.no_grad()
    def generate(latents):
        latents = torch.from_numpy(latents).to(device)
        return generator(latents, training=False).cpu().numpy()

    return generate
