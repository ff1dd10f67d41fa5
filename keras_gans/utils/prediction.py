"""`predict`, by each process for itself, and without a pipeline for its batches."""

import keras
import numpy as np

from keras_gans import backend


def predict(network, inputs, batch_size, verbose=0):
    """Evaluates a network in inference, in batches.

    Of processes that train together, Keras' `predict` waits for all of them on
    TensorFlow and JAX; here the one that calls computes alone, with the weights it has.
    Replicas of one process share the work through Keras. On TensorFlow each call of
    Keras' `predict` also sets up a `tf.data` pipeline, longer than 64 samples take.

    Args:
        network: Keras model of one output.
        inputs: Array `(N, ...)`, or list of arrays; best of whole batches.
        batch_size: Int.
        verbose: As in `keras.Model.predict`.

    Returns:
        NumPy array `(N, ...)`.
    """
    arrays = inputs if isinstance(inputs, list) else [inputs]
    if backend.process_count() == 1 and backend.replicas_of(network) > 1:
        return _predict_together(network, arrays, batch_size, verbose)
    backend.sync_state(network)
    run, outputs, count = _compiled(network), [], len(arrays[0])
    bar = keras.utils.Progbar(-(-count // batch_size), verbose=verbose)
    for start in range(0, count, batch_size):
        rows = slice(start, start + batch_size)
        batch = {f"input_{i}": array[rows] for i, array in enumerate(arrays)}
        with backend.no_gradients():
            outputs.append(keras.ops.convert_to_numpy(run(batch)))
        if verbose:
            bar.update(len(outputs))
    return np.concatenate(outputs)


def _predict_together(network, arrays, batch_size, verbose):
    """Through Keras, in batches that replicas share alike."""
    count, replicas = len(arrays[0]), backend.replicas_of(network)
    batch_size = -(-batch_size // replicas) * replicas
    rows = np.arange(-(-count // batch_size) * batch_size) % count
    arrays = [array[rows] for array in arrays]
    inputs = arrays[0] if len(arrays) == 1 else arrays
    return network.predict(inputs, batch_size, verbose=verbose)[:count]


def _compiled(network):
    """Evaluation of a network, compiled once for all calls."""

    def evaluate(given):
        given = list(given.values())
        return network(given[0] if len(given) == 1 else given, training=False)

    run = getattr(network, "_predict_alone", None)
    if run is None:
        run = backend.compiled(evaluate, network.variables)
        # Kept, as compiling takes seconds; not tracked by Keras.
        object.__setattr__(network, "_predict_alone", run)
    return run
