"""`predict`, by each process for itself, and without a pipeline for its batches."""

import keras
import numpy as np

from keras_gans import backend


def predict(network, inputs, batch_size, verbose=0, convert=None):
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
        convert: Optional callable from a batch of outputs to as many rows, NumPy, such
            as images of 8 bits: of all outputs at once it would take more memory.

    Returns:
        NumPy array `(N, ...)`.
    """
    convert = convert or (lambda outputs: outputs)
    arrays = inputs if isinstance(inputs, list) else [inputs]
    if backend.process_count() == 1 and backend.replicas_of(network) > 1:
        return convert(_predict_together(network, arrays, batch_size, verbose))
    backend.sync_state(network)
    result, count = None, len(arrays[0])
    bar = keras.utils.Progbar(-(-count // batch_size), verbose=verbose)
    for start in range(0, count, batch_size):
        rows = slice(start, start + batch_size)
        part = convert(predict_batch(network, [array[rows] for array in arrays]))
        if result is None:
            result = np.empty((count, *part.shape[1:]), part.dtype)
        result[rows] = part
        if verbose:
            bar.update(start // batch_size + 1)
    return result


def predict_batch(network, inputs):
    """Evaluates a network in inference on one batch, without any wait for others.

    Args:
        network: Keras model; it may have several outputs.
        inputs: Array `(B, ...)`, or list of arrays.

    Returns:
        What the network returns, as NumPy arrays.
    """
    arrays = inputs if isinstance(inputs, list) else [inputs]
    batch = {f"input_{i}": array for i, array in enumerate(arrays)}
    with backend.no_gradients():
        if not network.built:  # its variables come with the first call
            network(inputs, training=False)
        outputs = _compiled(network)(batch)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


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

    if network.run_eagerly:  # it may do what cannot be compiled
        return evaluate
    run = getattr(network, "_predict_alone", None)
    if run is None:
        run = backend.compiled(evaluate, network.variables)
        # Kept, as compiling takes seconds; not tracked by Keras.
        object.__setattr__(network, "_predict_alone", run)
    return run
