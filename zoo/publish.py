"""Makes a zoo preset of a trained one: card, sample grid, weights.

    python -m zoo.publish runs/dcgan/preset dcgan_fashion_mnist_32 --about about.json

`about.json` says what only the trainer knows: description, data, licence, command,
epochs, batch_size, seed, hours, hardware, backend, and notes (what the samples show,
good and bad); images_seen where the discriminator did not see all that the model did.
"""

import argparse
import json
import pathlib
import tempfile

import numpy as np

import keras_gans as kg
from keras_gans.presets import networks_of
from keras_gans.utils.image_grid import save_grid
from zoo import pairs

CARD = """# {name}

{description}

![{shown}](samples.png)

*{shown}{how}.*

```python
import keras_gans as kg

gan = kg.models.{model}.from_preset("{name}")
images = {usage}
```

| | |
|---|---|
| model | `{model}`, {parameters} |
| data | {data} |
| licence of the weights | {licence} |
| trained with | `{command}` |
| epochs, batch size | {epochs}, {batch_size} |
| images seen by the discriminator | {images_seen:,} |
| seed | {seed} |
| hardware | {hardware} |
| time | {hours} |
| backend | {backend} |

{measured}{notes}
"""

COLUMNS = 16
"""Of the sample grid."""

PAIRS = """## Measured

| | {columns} |
|---|{lines}|
{rows}

{protocol} Measured by `python -m zoo.measure {name}`.

"""

MEASURED = """## Measured

| | mean of seeds {seeds} | lowest to highest | training images |
|---|---:|---:|---:|
{rows}

{protocol} Measured by `python -m zoo.measure {name}`.

"""


def sample_grid(gan, name):
    """The samples of the card's picture: 64, a row for each class or code, or pairs."""
    if name in pairs.TASKS:
        return pairs.picture(gan, name)
    if isinstance(gan, kg.models.InfoGAN):
        codes = np.repeat(np.arange(gan.categorical[0]), COLUMNS)
        latents = gan.sample_latents(len(codes), seed=0, categorical=codes)
        return gan.generate(latents=latents)
    if gan.num_classes is None:
        return gan.generate(64, seed=0)
    labels = np.repeat(np.arange(gan.num_classes), COLUMNS)
    return gan.generate(len(labels), seed=0, labels=labels)


def make_card(gan, name, about):
    """The text of a preset's card.

    Args:
        gan: The model.
        name: Name of the preset.
        about: Dict as in `about.json`; with "measurements" once `zoo/measure.py` has
            added them.

    Returns:
        Markdown.
    """
    shape = ", ".join(map(str, gan.data_spec.shape))
    if name in pairs.TASKS:
        task = pairs.TASKS[name]
        grid = {
            "shown": f"{pairs.SHOWN} held-out emoji, evenly spread over the set",
            "how": f": what the model gets (as `recipes/{task.recipe}.py` makes it), "
            "what it makes of it, and the truth",
            "usage": task.usage,
        }
    elif isinstance(gan, kg.models.InfoGAN):
        values = gan.categorical[0]
        grid = {
            "shown": f"{COLUMNS * values} samples, unselected",
            "how": ", a row for each value of the categorical code: `gan.generate("
            f"latents=gan.sample_latents({COLUMNS * values}, seed=0, "
            f"categorical=np.repeat(np.arange({values}), {COLUMNS})))`",
            "usage": "gan.generate(latents=gan.sample_latents(8, categorical=3))"
            f"  # (8, {shape})",
        }
    elif gan.num_classes is None:
        grid = {
            "shown": "64 samples, unselected",
            "how": ": `gan.generate(64, seed=0)`",
            "usage": f"gan.generate(64, seed=0)  # uint8 (64, {shape})",
        }
    else:
        count = COLUMNS * gan.num_classes
        grid = {
            "shown": f"{count} samples, unselected",
            "how": f", a row for each class: `gan.generate({count}, seed=0, "
            f"labels=np.repeat(np.arange({gan.num_classes}), {COLUMNS}))`",
            "usage": f"gan.generate(8, labels=3, seed=0)  # uint8 (8, {shape})",
        }
    parameters = " + ".join(
        f"{getattr(gan, part).count_params():,} parameters ({part})"
        for part in networks_of(gan)
    )
    return CARD.format(
        name=name,
        model=type(gan).__name__,
        **grid,
        parameters=parameters,
        measured=_measured(name, about.get("measurements")),
        **{"images_seen": int(gan.images_seen)} | about,
    )


def _measured(name, measurements):
    """The card's section of measured values; empty without any."""
    if not measurements:
        return ""
    if "baselines" in measurements:
        return _measured_pairs(name, measurements)
    rows = []
    for metric, values in measurements["values"].items():
        mean = sum(values) / len(values)
        real = measurements["training_images"][metric]
        rows.append(
            f"| `{metric}` | {mean:.4g} | {min(values):.4g} to {max(values):.4g} | "
            f"{real:.4g} |"
        )
    return MEASURED.format(
        name=name,
        rows="\n".join(rows),
        seeds=", ".join(map(str, measurements["seeds"])),
        protocol=measurements["protocol"],
    )


def _measured_pairs(name, measurements):
    """The same of an image-to-image model, beside what needs no model."""
    means = {key: sum(v) / len(v) for key, v in measurements["values"].items()}
    table = {f"`{name}`": means} | measurements["baselines"]
    rows = [
        " | ".join([f"| {key}", *(f"{value:.4g}" for value in values.values()), ""])
        for key, values in table.items()
    ]
    return PAIRS.format(
        name=name,
        columns=" | ".join(f"`{key}`" for key in means),
        lines="|".join(["---:"] * len(means)),
        rows="\n".join(row.rstrip() for row in rows),
        protocol=measurements["protocol"],
    )


def main(argv=None):
    """Publishes as the command line tells."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset")
    parser.add_argument("name")
    parser.add_argument("--about", type=pathlib.Path, required=True)
    args = parser.parse_args(argv)

    about = json.loads(args.about.read_text("utf-8"))
    gan = kg.models.GAN.from_preset(args.preset, name=args.name)
    card = make_card(gan, args.name, about)
    folder = pathlib.Path(__file__).parent / "weights" / args.name
    with tempfile.TemporaryDirectory() as temporary:
        picture = pathlib.Path(temporary) / "samples.png"
        columns = 12 if args.name in pairs.TASKS else COLUMNS
        save_grid(sample_grid(gan, args.name), picture, columns=columns)
        gan.save_to_preset(
            folder, card=card, metadata=about, samples=picture, overwrite=True
        )
    print(folder)


if __name__ == "__main__":
    main()
