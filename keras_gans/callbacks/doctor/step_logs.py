"""Values of single steps, from the running means that `fit` shows."""

import math


class StepLogs:
    """Collects the logs of batches, from whatever thread, and undoes their means.

    Keras' logs are means over the epoch so far: m_t = (x_1 + ... + x_t) / t, of which
    x_t = t m_t - (t - 1) m_(t-1).

    Attributes:
        bad: `(name, value, batch)` of a log that was not finite, of the earliest batch
            noted so far, or None.
    """

    def __init__(self):
        self.restart(0)

    def restart(self, batch):
        """Expects means that begin with the batch of this index."""
        self._first, self._notes, self._last = batch, {}, (0, {})
        self.bad = None

    def note(self, batch, logs):
        """Takes a note of the logs after a batch. Safe in any thread."""
        if batch < self._first:  # late, of before the restart
            return
        logs = {k: v for k, v in (logs or {}).items() if isinstance(v, float)}
        self._notes[batch] = logs
        for name, value in logs.items():
            earlier = self.bad is None or batch < self.bad[2]
            if earlier and not math.isfinite(value):
                self.bad = (name, value, batch)

    def collect(self):
        """Returns the values since the last call: dicts, in the order of the steps.

        With `steps_per_execution` they are means over the steps of one execution.
        """
        values = []
        for batch in sorted(list(self._notes)):
            means = self._notes.pop(batch)
            count, (before, last) = batch + 1 - self._first, self._last
            if count <= before:  # noted after a later one, whose value has it
                continue
            values.append(
                {
                    name: (count * mean - before * last.get(name, 0.0))
                    / (count - before)
                    for name, mean in means.items()
                }
            )
            self._last = (count, means)
        return values

    @property
    def batches(self):
        """Batches of this epoch whose values were collected."""
        return self._first + self._last[0]
