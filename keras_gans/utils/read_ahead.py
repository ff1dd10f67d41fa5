"""Reads batches in threads before they are asked for."""

import threading
from concurrent import futures


class ReadAhead:
    """Has the next batches read while the one before is trained on.

    At most `DEPTH` batches are kept besides the one that is returned.

    Args:
        read: Callable from the parts of a key to a batch.
    """

    DEPTH = 2

    def __init__(self, read):
        self.read = read
        self.pool = futures.ThreadPoolExecutor(self.DEPTH)
        self.pending = {}  # key -> future
        self.lock = threading.Lock()

    def get(self, key, *following):
        """Returns the batch of `key`, and begins to read those of `following`."""
        with self.lock:
            pending = {
                k: self.pending.pop(k, None) or self.pool.submit(self.read, *k)
                for k in (key, *following)
            }
            for future in self.pending.values():  # no longer wanted
                future.cancel()
            future = pending.pop(key)
            self.pending = pending
        return future.result()
