"""`predict`, by each process for itself."""

import keras
import numpy as np

from keras_gans import backend


def predict(network, inputs, batch_size, verbose=0):
    """Evaluates a network in inference, in batches.

    Of processes that train together, Keras' `predict` waits for all of them on
    TensorFlow and JAX; here the one that calls computes alone, with the weights it has.

    Args:
        network: Keras model of one output.
        inputs: Array `(N, ...)`, or list of arrays.
        batch_size: Int.
        verbose: As in `keras.Model.predict`.

    Returns:
        NumPy array `(N, ...)`.
    """
    if isinstance(inputs, list) and len(inputs) == 1:
        (inputs,) = inputs
    if backend.process_count() == 1:
        return network.predict(inputs, batch_size, verbose=verbose)

    def evaluate(given):
        given = list(given.values())
        return network(given[0] if len(given) == 1 else given, training=False)

    run = getattr(network, "_predict_alone", None)
    if run is None:
        run = backend.compiled(evaluate, network.variables)
        # Kept, as compiling takes seconds; not tracked by Keras.
        object.__setattr__(network, "_predict_alone", run)
    arrays = inputs if isinstance(inputs, list) else [inputs]
    outputs = []
    for start in range(0, len(arrays[0]), batch_size):
        rows = slice(start, start + batch_size)
        batch = {f"input_{i}": array[rows] for i, array in enumerate(arrays)}
        with backend.no_gradients():
            outputs.append(keras.ops.convert_to_numpy(run(batch)))
    return np.concatenate(outputs)
