"""Where processes meet before a library joins them that would wait without end."""

import contextlib
import json
import socket
import time

RETRY = 0.2  # seconds
CALL = 5.0  # seconds that a caller has to say who it is
OK = "ok"


def meet(addresses, index, timeout):
    """Waits until all processes are there, and compares what they were told.

    The first listens at its address until all others have called, and then answers
    them; nobody listens there any more when it returns.

    Args:
        addresses: List of "host:port", of all processes, the first one's first.
        index: Int, of this process.
        timeout: Float, seconds.

    Raises:
        RuntimeError: If not all came in time, or if they have other addresses.
    """
    deadline = time.monotonic() + timeout
    hint = f"within {timeout:g} seconds (see `kg.distribution.initialize`)"
    try:
        if index == 0:
            problem = _gather(addresses, deadline)
        else:
            problem = _call(addresses, index, deadline)
    except TimeoutError as error:
        raise RuntimeError(
            f"Expected: all {len(addresses)} processes to be started {hint}. "
            f"Received: in process {index}, {error}."
        ) from None
    if problem != OK:
        raise RuntimeError(
            f"Expected: the same addresses in all processes. Received: {problem}."
        )


def _gather(addresses, deadline):
    """Waits for the calls of all others and answers them; returns the answer."""
    calls, problem = {}, OK
    _, port = _parts(addresses[0])
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    with socket.create_server(("", port), family=family, dualstack_ipv6=dual) as server:
        while problem == OK and len(calls) < len(addresses) - 1:
            missing = set(range(1, len(addresses))) - set(calls)
            server.settimeout(_left(deadline, f"no call of {sorted(missing)} came"))
            try:
                call, _ = server.accept()
            except TimeoutError:
                continue  # `_left` tells
            call.settimeout(CALL)
            try:
                index, theirs = json.loads(call.makefile().readline())
                calls[int(index)] = call
            except (OSError, ValueError, TypeError):  # of somebody else, or it died
                call.close()
                continue
            if theirs != addresses:
                problem = f"{addresses} in process 0, {theirs} in process {index}"
        for call in calls.values():
            with call, contextlib.suppress(OSError):  # one that has died since
                call.sendall(f"{problem}\n".encode())
    return problem


def _call(addresses, index, deadline):
    """Calls the first process until it answers; returns the answer."""
    while True:
        left = _left(deadline, f"no answer came from {addresses[0]}")
        try:
            with socket.create_connection(_parts(addresses[0]), left) as call:
                call.sendall(json.dumps([index, addresses]).encode() + b"\n")
                answer = call.makefile().readline().strip()
            if answer:
                return answer
        except OSError:  # nobody there yet, or gone
            pass
        time.sleep(RETRY)


def _left(deadline, what):
    left = deadline - time.monotonic()
    if left <= 0.0:
        raise TimeoutError(what)
    return left


def _parts(address):
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)
