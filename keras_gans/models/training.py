"""`fit` and `evaluate`: the user's data, checked before any time is spent."""

import keras
import numpy as np

from keras_gans import backend
from keras_gans import distribution
from keras_gans.batches import ArrayBatches
from keras_gans.batches import InOrder
from keras_gans.batches import SetEpoch
from keras_gans.batches import are_lazy
from keras_gans.datasets.lazy import LazyImages
from keras_gans.models import device_data
from keras_gans.models.inputs import check_examples
from keras_gans.models.inputs import check_kind
from keras_gans.models.inputs import peek
from keras_gans.streams import SeededOrder
from keras_gans.streams import check_read_again
from keras_gans.streams import join_batches
from keras_gans.streams import own_parts
from keras_gans.utils.checks import whole_number


class TrainingMixin:
    """`fit` and `evaluate` of a model with a `data_spec`."""

    data_are_aligned = True  # whether x[i] belongs to y[i]

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_data=None,
        shuffle=True,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
        keep_on_device="auto",
    ):
        """Trains on images (or what else the model is made for).

        The order of arrays, and of the batches of a `PyDataset`, depends on the model's
        `seed` and the epoch alone, so a `fit` resumed by `BackupAndRestore` goes on as
        if it had not been interrupted.
        Examples of an array that do not fill the last batch are left out.

        When a loss is no longer finite, training stops with a warning, and the
        weights of the epoch's beginning are put back.

        Args:
            x: Images as an array `(N, H, W, C)`, uint8 or float in [-1, 1], or a
                `kg.datasets.LazyImages`; or a `tf.data.Dataset`,
                `keras.utils.PyDataset`, torch `DataLoader` or generator of batches of
                them, with or without labels. Arrays are checked whole, of the others
                the first batch alone: in a later one a class index out of range is a
                condition of zeros, or on torch, if it is too large, an error.
            y: Labels of an array `x`, for conditional models: class indices `(N,)`,
                or attributes `(N, K)`; others ignore them.
            batch_size: Int, examples in one update of a network, for arrays. Defaults
                to the paper's. With `discriminator_steps=k` a step takes k batches.
            epochs: As in Keras, like all arguments that follow.
            verbose: See `epochs`.
            callbacks: See `epochs`.
            validation_data: Like `x`, or a tuple `(x, y)`; the losses on it are logged.
                What several devices cannot share is left out.
            shuffle: See `epochs`.
            initial_epoch: See `epochs`.
            steps_per_epoch: Int; of an array or `PyDataset`, an epoch goes on where the
                one before stopped, so that all examples come before one comes again.
            validation_steps: See `epochs`.
            validation_batch_size: See `epochs`.
            validation_freq: See `epochs`.
            keep_on_device: Whether arrays are copied to the device once, and batches
                are their rows there: a bool, or "auto", where one GPU or TPU trains (on
                JAX and torch) and they have no more than 2 GiB.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: If the data are not what the model is made for, with what was
                expected and what was received.

        Example:

        ```python
        gan.fit(images, batch_size=64, epochs=20)
        ```
        """
        from keras_gans.callbacks.join_processes import JoinProcesses
        from keras_gans.callbacks.join_processes import check_callbacks
        from keras_gans.callbacks.join_processes import only_writes
        from keras_gans.callbacks.log_settings import LogSettings
        from keras_gans.callbacks.nan_guard import NaNGuard

        self._assert_compile_called("fit")
        epochs = whole_number(epochs, "epochs")
        distribution.initialize()
        backend.check_scope(self)
        data = x
        x, own = self._prepare(data, y, batch_size, shuffle, steps_per_epoch)
        if epochs - initial_epoch > 1 and steps_per_epoch is None:
            check_read_again(data, x)
        has_own_order = bool(own)
        is_kept = device_data.are_kept(self, x, keep_on_device)
        given = getattr(callbacks, "callbacks", callbacks)  # of a CallbackList
        given = [] if given is None else keras.tree.flatten(given)
        if not distribution.is_first_process():
            verbose, given = 0, [c for c in given if not only_writes(c)]
        self._show_examples(given, "train", x)
        if validation_data is not None:
            first_batch = getattr(self, "_first_batch", None)
            size = validation_batch_size or batch_size or self.default_batch_size
            validation_batch_size = self._shareable(size)
            validation_data = self._checked_validation(
                validation_data, validation_batch_size
            )
            self._show_examples(given, "unseen", validation_data)
            object.__setattr__(self, "_first_batch", first_batch)  # of training
        # A callback that puts good weights back by itself takes the guard's place.
        guards = [c for c in given if getattr(c, "replaces_nan_guard", False)]
        own = [*([] if guards else [NaNGuard()]), LogSettings(), *own]
        callbacks = [*guards, *own, *(c for c in given if c not in guards)]
        if distribution.process_count() > 1:
            check_callbacks(given)
            facts = {"batch size": batch_size, "number of epochs": epochs}
            callbacks.append(JoinProcesses(facts, self._examples_to_compare(x)))
        # Not tracked by Keras: nothing of it is to be saved.
        object.__setattr__(self, "_fit_batches", x)
        object.__setattr__(self, "weights_were_put_back", False)  # by `NaNGuard`
        discriminator_steps = self.discriminator_steps
        try:
            if is_kept:
                device_data.load(self, x)
            return super().fit(
                backend.input_of_keras(self, x, isinstance(x, ArrayBatches)),
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_data=backend.input_of_keras(self, validation_data),
                shuffle=False,
                initial_epoch=initial_epoch,
                steps_per_epoch=None if has_own_order else steps_per_epoch,
                validation_steps=validation_steps,
                validation_batch_size=validation_batch_size,
                validation_freq=validation_freq,
            )
        except Exception as error:
            distribution.add_note(error)
            raise
        finally:
            object.__setattr__(self, "_fit_batches", None)
            # Of a resume that did not come to its first epoch.
            self._initial_epoch = None
            object.__setattr__(self, "restored_order_offset", None)
            if self.discriminator_steps != discriminator_steps:  # by a schedule
                self.discriminator_steps = discriminator_steps
            if is_kept:
                self.device_arrays.free()

    @property
    def discriminator_steps(self):
        """Updates of the discriminator per update of the generator.

        It may be set after `compile`: between two `fit`, or, for arrays, from a
        callback at the beginning or the end of an epoch.
        """
        return self._discriminator_steps

    @discriminator_steps.setter
    def discriminator_steps(self, steps):
        steps = whole_number(steps, "discriminator_steps")
        batches = getattr(self, "_fit_batches", None)
        if batches is not None and steps != self._discriminator_steps:
            if not isinstance(batches, ArrayBatches) or batches.within_epoch:
                raise RuntimeError(
                    "Expected: during `fit`, `discriminator_steps` to change between "
                    "epochs of arrays. Received: a change "
                    + (
                        "within an epoch. Use `on_epoch_begin` of a callback."
                        if isinstance(batches, ArrayBatches)
                        else "with data in batches. Call `fit` again after it."
                    )
                )
            size = batches.batch_size // self._discriminator_steps
            count = max(map(len, batches.arrays))
            if size * steps > count:
                raise ValueError(
                    f"Expected: at least {size * steps} examples, discriminator_steps="
                    f"{steps} batches of {size}. Received: {count}."
                )
            batches.batch_size = size * steps
            batches.slices = backend.order_of_rows(self, steps)[0]
        self._discriminator_steps = steps
        if getattr(self, "train_function", None) is not None:
            self.make_train_function(force=True)

    @property
    def fit_batch_size(self):
        """Examples of a step while `fit` runs, if all steps have as many; else None."""
        batches = getattr(self, "_fit_batches", None)
        return batches.batch_size if isinstance(batches, ArrayBatches) else None

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """Measures the losses on data, in inference mode, and updates nothing.

        Several devices share each batch of arrays: its size is rounded up to a multiple
        of their number, and the examples at the end that they cannot share are left
        out.

        Args:
            x: As in `fit`.
            y: As in `fit`.
            batch_size: Int, for arrays.
            **kwargs: As in Keras: verbose, steps, callbacks, return_dict.

        Returns:
            List of losses in the order of `metrics_names`, or a dict with
            `return_dict=True`.
        """
        self._assert_compile_called("evaluate")
        if "_use_cached_eval_dataset" not in kwargs:
            x, y = self._checked(x, y)
            if not isinstance(x, np.ndarray | LazyImages):
                x = self._shared_stream(x)
        batch_size = self.default_batch_size if batch_size is None else batch_size
        batch_size = self._shareable(whole_number(batch_size, "batch_size"))
        if isinstance(x, np.ndarray | LazyImages):
            arrays = (x,) if y is None else (x, y)
            data = self._in_order(arrays, batch_size)
            x, y = (data, None) if isinstance(data, InOrder) else (*data, None)[:2]
        if isinstance(x, keras.utils.PyDataset):
            x, batch_size = backend.input_of_keras(self, x), None
        with self._random_states_kept():
            return super().evaluate(x, y, batch_size=batch_size, **kwargs)

    def _examples_to_compare(self, x):
        """Arrays that are the same in all processes, unless their data differ."""
        if isinstance(x, ArrayBatches):
            return x.arrays
        return () if distribution.data_are_sharded() else tuple(self._first_batch)

    def _prepare(self, x, y, batch_size, shuffle, steps=None):
        """What Keras' `fit` gets in place of `x`, and callbacks that go with it."""
        x, y = self._checked(x, y)
        slices, replicas = self.discriminator_steps, backend.replicas_of(self)
        order = backend.order_of_rows(self, slices)
        if steps is not None:
            steps = whole_number(steps, "steps_per_epoch")
        if not isinstance(x, np.ndarray | LazyImages):
            if batch_size is not None:
                raise ValueError(
                    "Expected: `batch_size` only with arrays; other data come in "
                    f"batches. Received: batch_size={batch_size} with {type(x)}."
                )
            count, part = len(self._first_batch[0]), order[2]
            if part is not None and distribution.data_are_sharded():
                replicas, order = replicas // order[1], (1, 1, 0)
            parts = replicas * self.micro_batches * self.pac
            if count % parts:
                raise ValueError(
                    f"Expected: batches, of {replicas} replicas together, of a "
                    f"multiple of {parts} examples. Received: the first one with "
                    f"{count}."
                )
            own = []
            if isinstance(x, keras.utils.PyDataset) and x.num_batches is not None:
                steps = steps and steps * slices
                x = SeededOrder(x, shuffle, self.seed, steps, least=parts)
                own = [SetEpoch(x)]
            x = x if slices == 1 else join_batches(x, slices)
            if parts > 1:
                x = own_parts(x, *order, multiple=slices * parts // order[1])
            return x, own
        batch_size = self.default_batch_size if batch_size is None else batch_size
        batch_size = whole_number(batch_size, "batch_size")
        apart = y is not None and not self.data_are_aligned
        count = max(len(x), len(y)) if apart else len(x)
        if count < slices:
            raise ValueError(
                f"Expected: at least discriminator_steps={slices} examples. "
                f"Received: {count}."
            )
        if min(batch_size, count) % self.pac:
            raise ValueError(
                f"Expected: batches that can be cut into packs of pac={self.pac} "
                f"examples. Received: batch_size={batch_size} of {count} examples."
            )
        whole = slices * replicas * self.pac
        if batch_size % replicas or count < whole:
            raise ValueError(
                f"Expected: `batch_size`, of all {replicas} replicas together, as a "
                f"multiple of {replicas}, and as many examples. Received: batch_size="
                f"{batch_size} of {count} examples."
            )
        whole *= self.micro_batches
        cut = batch_size % (whole // slices) == 0 and count >= whole
        if self.micro_batches > 1 and not cut:
            raise ValueError(
                f"Expected: `batch_size` as a multiple of {whole // slices}, so that "
                f"its micro_batches={self.micro_batches} parts are of one size, and at "
                f"least {whole} examples. Received: batch_size={batch_size} of "
                f"{count} examples."
            )
        if replicas > 1 and batch_size // replicas % self.pac:
            raise ValueError(
                f"Expected: batches that {replicas} replicas share and cut into packs "
                f"of pac={self.pac}. Received: batch_size={batch_size}."
            )
        step_size = min(batch_size * slices, count // whole * whole)
        arrays = (x,) if y is None else (x, y)
        batches = ArrayBatches(
            arrays, step_size, shuffle, self.seed, self.data_are_aligned, *order, steps
        )
        return batches, [SetEpoch(batches)]

    def _show_examples(self, callbacks, kind, x):
        """Shows data to the callbacks that want to see some, by `see_examples`."""
        if isinstance(x, ArrayBatches | InOrder):
            x = x.arrays
        batch = x if isinstance(x, tuple) else self._first_batch
        for callback in callbacks:
            if hasattr(callback, "see_examples"):
                callback.see_examples(kind, *batch[:2])

    def _checked(self, x, y, name="x"):
        """Checks arrays whole, and of streams the first batch."""
        if x is None:
            raise ValueError(
                "Expected: training data as the first argument. Received: None."
            )
        if isinstance(x, ArrayBatches):  # of arrays that were checked
            object.__setattr__(self, "_first_batch", x[0])
            return x, None
        if isinstance(x, LazyImages):
            self.data_spec.check(x, name)
            return x, self._checked_labels(y, len(x))
        if isinstance(x, list | tuple) or hasattr(x, "__array__"):
            if isinstance(x, list | tuple):
                check_examples(x, self.data_spec)
            x = np.asarray(x)
            self.data_spec.check(x, name)
            x = x.astype("float32") if x.dtype == np.float64 else x
            return x, self._checked_labels(y, len(x))
        check_kind(x)
        if y is not None:
            raise ValueError(
                "Expected: `y` only with arrays; other data come as (x, y) batches. "
                f"Received: `y` with {type(x)}."
            )
        x, batch = peek(x)
        if not batch:
            raise ValueError(
                "The data set is empty. Expected: at least one batch. Received: none."
            )
        alone = len(batch[0]) == 1  # and may be bright
        self.data_spec.check(batch[0], f"the first batch of {name}", lenient=alone)
        y = batch[1] if len(batch) > 1 else None
        self._checked_labels(y, len(batch[0]), lenient=alone)
        # Not as Keras would set it, which wraps what a model is given.
        object.__setattr__(self, "_first_batch", batch)
        return x, None

    def _checked_labels(self, y, count, lenient=False):
        return None if self.condition is None else self.condition.as_array(y, count)

    def _checked_validation(self, data, batch_size):
        x, y = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
        x, y = self._checked(x, y, "validation_data")
        if not isinstance(x, np.ndarray | LazyImages):
            return self._shared_stream(x)
        return self._in_order((x,) if y is None else (x, y), batch_size)

    def _in_order(self, arrays, batch_size):
        """Arrays as Keras' `evaluate` is to see them; several replicas by itself."""
        replicas = backend.replicas_of(self)
        count = self._shared_count(arrays[0])
        if are_lazy(arrays) or replicas == 1:
            return InOrder(arrays, batch_size, count)
        return tuple(array[:count] for array in arrays)

    def _shared_stream(self, x):
        """Batches to evaluate without the examples that replicas cannot share."""
        replicas = backend.replicas_of(self)
        if replicas == 1:
            return x
        self._shared_count(self._first_batch[0])
        if isinstance(x, keras.utils.PyDataset) and x.num_batches is not None:
            x = SeededOrder(x, False, self.seed, least=replicas)
        return own_parts(x, 1, 1, None, multiple=replicas)

    def _shared_count(self, examples):
        """How many of them replicas can share."""
        replicas = backend.replicas_of(self)
        count = len(examples) // replicas * replicas
        if count == 0:
            raise ValueError(
                f"Expected: at least {replicas} examples to evaluate, one for each "
                f"device. Received: {len(examples)}."
            )
        return count

    def _shareable(self, batch_size):
        """The size of a batch that all replicas have as much of."""
        replicas = backend.replicas_of(self)
        return -(-batch_size // replicas) * replicas
