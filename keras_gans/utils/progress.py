"""Progress of long work."""

import time

import keras

LONG = 10.0  # seconds from which a progress bar is shown


class Progress:
    """A progress bar, shown from when it is clear that the work is long.

    Args:
        title: Text above the bar.
        total: Int, images in all.
        verbose: As in Keras; 0 shows nothing.
    """

    def __init__(self, title, total, verbose):
        self.title, self.total, self.verbose = title, total, verbose
        self.done, self.bar, self.start = 0, None, time.monotonic()

    def __call__(self, count):
        """Tells that so many more images are done."""
        self.done += count
        elapsed = time.monotonic() - self.start
        if self.bar is None and self.verbose:
            if self.done >= self.total or elapsed * self.total < LONG * self.done:
                return
            print(f"\n{self.title}")
            self.bar = keras.utils.Progbar(
                self.total, verbose=self.verbose, unit_name="image"
            )
        if self.bar is not None:
            self.bar.update(min(self.done, self.total))
