"""Makes a zoo preset of a trained one: card, sample grid, weights.

    python zoo/publish.py runs/dcgan/preset dcgan_fashion_mnist_32 --about about.json

`about.json` says what only the trainer knows: description, data, licence, command,
epochs, batch_size, seed, hours, hardware, backend, and notes (what the samples show,
good and bad).
"""

import argparse
import json
import pathlib
import tempfile

import numpy as np

import keras_gans as kg
from keras_gans.utils.image_grid import save_grid

CARD = """# {name}

{description}

![{count} samples, unselected](samples.png)

*{count} samples, unselected{rows}: `{call}`.*

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

MEASURED = """## Measured

| | mean of seeds {seeds} | lowest to highest | training images |
|---|---:|---:|---:|
{rows}

{protocol} Measured by `python -m zoo.measure {name}`.

"""


def sample_grid(gan):
    """The samples of the card's picture: 64, or a row for each class."""
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
    grid = {
        "count": 64,
        "rows": "",
        "call": "gan.generate(64, seed=0)",
        "usage": f"gan.generate(64, seed=0)  # uint8 (64, {shape})",
    }
    if gan.num_classes is not None:
        grid = {
            "count": COLUMNS * gan.num_classes,
            "rows": ", a row for each class",
            "call": f"gan.generate({COLUMNS * gan.num_classes}, seed=0, "
            f"labels=np.repeat(np.arange({gan.num_classes}), {COLUMNS}))",
            "usage": f"gan.generate(8, labels=3, seed=0)  # uint8 (8, {shape})",
        }
    parameters = " + ".join(
        f"{network.count_params():,} parameters ({network.name})"
        for network in (gan.generator, gan.discriminator)
    )
    return CARD.format(
        name=name,
        model=type(gan).__name__,
        **grid,
        parameters=parameters,
        images_seen=int(gan.images_seen),
        measured=_measured(name, about.get("measurements")),
        **about,
    )


def _measured(name, measurements):
    """The card's section of measured values; empty without any."""
    if not measurements:
        return ""
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
        save_grid(sample_grid(gan), picture, columns=COLUMNS)
        gan.save_to_preset(
            folder, card=card, metadata=about, samples=picture, overwrite=True
        )
    print(folder)


if __name__ == "__main__":
    main()
