"""Trains the classifier whose features compare images of Fashion-MNIST.

    KERAS_BACKEND=tensorflow python zoo/train_lenet.py --out runs/lenet

Writes its weights, a `config.json` with their checksum, and a card. `--publish` writes
them to `zoo/classifiers/lenet_fashion_mnist`, where `keras_gans.metrics.features`
finds them.
"""

import argparse
import hashlib
import json
import pathlib
import time

import keras
import numpy as np

import keras_gans as kg
from keras_gans.metrics.features.lenet import NAME
from keras_gans.metrics.features.lenet import lenet

CARD = """# {name}

A small classifier of Fashion-MNIST (two convolutions, two dense layers). Its features,
the 84 units before the last layer, compare generated with real images:
`fd_lenet_fashion_mnist_<N>` and its kin. They are not Inception's: such a number is no
FID, and compares with other numbers of these features only.

```python
import keras_gans as kg

extractor = kg.metrics.features.get("{name}")
features = extractor(images)  # grey, 28 x 28, or 32 x 32 with a border of 2
```

| | |
|---|---|
| accuracy on the 10,000 test images | {accuracy:.2%} |
| accuracy on the 60,000 training images | {train_accuracy:.2%} |
| parameters | {parameters:,} |
| data | Fashion-MNIST, the 60,000 training images (MIT) |
| licence of the weights | Apache-2.0 |
| trained with | `python zoo/train_lenet.py` |
| epochs, batch size | {epochs}, {batch_size} |
| seed | {seed} |
| hardware | 2 CPU cores, shared with other jobs |
| time | {hours:.2f} hours of wall time |
| backend | {backend} |
| units that are constant on the test images | {constant} of 84 |

Images are quantized to uint8 and scaled to [-1, 1]. No augmentation: a shifted or
mirrored garment is a different one to these features.
"""


def main(argv=None):
    """Trains as the command line tells; returns the accuracy on the test images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="runs/lenet", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--num-images", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--publish", action="store_true")
    args = parser.parse_args(argv)
    if args.publish:
        args.out = pathlib.Path(__file__).parent / "classifiers" / NAME

    keras.utils.set_random_seed(args.seed)
    train, train_labels = kg.datasets.load("fashion_mnist", split="train")
    test, test_labels = kg.datasets.load("fashion_mnist", split="test")
    train, train_labels = train[: args.num_images], train_labels[: args.num_images]
    train, test = (x.astype("float32") / 127.5 - 1.0 for x in (train, test))

    model = lenet(name=NAME)
    steps = args.epochs * -(-len(train) // args.batch_size)
    classifier = keras.Model(model.input, model.output["logits"])
    classifier.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(2e-3, decay_steps=steps)
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    start = time.time()
    classifier.fit(
        train,
        train_labels,
        batch_size=args.batch_size,
        epochs=args.epochs,
        validation_data=(test, test_labels),
        verbose=2,
    )
    hours = (time.time() - start) / 3600

    def predict(images, labels):
        outputs = model.predict(images, batch_size=500, verbose=0)
        right = outputs["logits"].argmax(axis=1) == labels
        return outputs["features"], float(right.mean())

    _, train_accuracy = predict(train, train_labels)
    features, accuracy = predict(test, test_labels)

    args.out.mkdir(parents=True, exist_ok=True)
    weights = args.out / "model.weights.h5"
    model.save_weights(weights)
    content = weights.read_bytes()
    config = {
        "name": NAME,
        "keras_gans": kg.__version__,
        "weights": {
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "accuracy": round(accuracy, 4),
    }
    (args.out / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    card = CARD.format(
        name=NAME,
        accuracy=accuracy,
        train_accuracy=train_accuracy,
        parameters=model.count_params(),
        hours=hours,
        backend=keras.config.backend(),
        constant=int(np.sum(features.std(axis=0) < 1e-6)),
        **vars(args),
    )
    (args.out / "README.md").write_text(card, "utf-8")
    print(f"{accuracy:.2%} of the test images right: {args.out}")
    return accuracy


if __name__ == "__main__":
    main()
