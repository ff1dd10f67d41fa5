"""Finds the bundled files and checks that they are what they should be."""

import hashlib

from keras_gans import zoo

# The same sums as in zoo/datasets/SHA256SUMS. Fashion-MNIST's are those of the files at
# its official home too.
SHA256 = {
    "digits/digits.npz": (
        "c617ab002d1db2a774d67b5c6be590452e9733b313d428108a58b78faffedc26"
    ),
    "emoji/emoji.json": (
        "f219f80d5dc9a5db39fc6560c694be5787366df137ea8dfcf904ce94c289a3db"
    ),
    "emoji/noto_64.webp": (
        "95919edefaac44dbbcc0662efbb084752e1a3a82122cd85a82d0d73d6fa80725"
    ),
    "emoji/twemoji_64.webp": (
        "45f3611b6c85e04cad9505673caca088c540d3391ea99df9364e7fd9ec7b3aac"
    ),
    "fashion_mnist/t10k-images-idx3-ubyte.gz": (
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
    ),
    "fashion_mnist/t10k-labels-idx1-ubyte.gz": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
    ),
    "fashion_mnist/train-images-idx3-ubyte.gz": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
    ),
    "fashion_mnist/train-labels-idx1-ubyte.gz": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
    ),
}


def find(name):
    """Returns the path of the bundled file `name`, or `None` if there is none here."""
    folder = zoo.path()
    if folder is None:
        return None
    path = folder / "datasets" / name
    return path if path.is_file() else None


def read(name):
    """Reads a bundled file whole; its checksum is verified each time.

    Args:
        name: Key of `SHA256`, such as `"digits/digits.npz"`.

    Returns:
        The bytes.

    Raises:
        FileNotFoundError: If the zoo, or this file of it, is not on this machine.
        ValueError: If the file is damaged.
    """
    path = find(name)
    if path is None:
        folder = zoo.path()
        raise FileNotFoundError(
            f"The data set is not on this machine. Expected: the file datasets/{name} "
            f"of the zoo. Received: {f'none in {folder}' if folder else 'no zoo'}. "
            "Install the zoo: pip install keras-gans[zoo]"
        )
    return verified(path, name)


def verified(path, name):
    """Reads `path` and compares its checksum with that of `name`."""
    content = path.read_bytes()
    received = hashlib.sha256(content).hexdigest()
    if received != SHA256[name]:
        raise ValueError(
            f"A data file is damaged: {path}. Expected: SHA-256 {SHA256[name]}. "
            f"Received: {received} ({len(content):,} bytes). Delete the file and get "
            "it again."
        )
    return content
