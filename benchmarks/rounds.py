"""Times things by turns."""

import time


def by_turns(runs, rounds):
    """Runs each callable once per round, one after the other.

    Args:
        runs: Dict from a name to a callable without arguments, which returns when its
            work is done (not merely queued) and has been warmed up.
        rounds: Int.

    Returns:
        Dict from the name to a list of seconds, one a round.
    """
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return seconds
