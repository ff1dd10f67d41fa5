"""Processes that meet before TensorFlow joins them, as threads."""

import concurrent.futures
import socket

import pytest

from keras_gans.backend import rendezvous
from tests.distribution.test_updates import free_port

pytestmark = pytest.mark.once


def addresses(count):
    return [f"127.0.0.1:{free_port()}" for _ in range(count)]


def meet(calls):
    """Calls `meet` in threads; returns what each raised, or None."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        running = [pool.submit(rendezvous.meet, *call) for call in calls]
    return [call.exception() for call in running]


def test_all_come():
    three = addresses(3)
    assert meet([(three, i, 20.0) for i in (2, 0, 1)]) == [None] * 3
    with socket.create_server(("", int(three[0].rsplit(":", 1)[1]))):
        pass  # the first one's port is free again


def test_one_alone():
    two = addresses(2)
    (error,) = meet([(two, 0, 0.5)])
    assert str(error).startswith("Expected: all 2 processes to be started within 0.5")
    assert "process 0, no call of [1] came" in str(error)
    (error,) = meet([(two, 1, 0.5)])
    assert f"process 1, no answer came from {two[0]}" in str(error)


def test_other_addresses():
    two = addresses(2)
    three = [*two, "127.0.0.1:1"]
    for error in meet([(two, 0, 20.0), (three, 1, 20.0)]):
        assert "the same addresses in all processes" in str(error)
        assert f"{two} in process 0, {three} in process 1" in str(error)


def test_what_others_say_is_not_heard():
    two = addresses(2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(rendezvous.meet, two, 0, 20.0)
        for words in (b"GET / HTTP/1.1\n", b"[1]\n", b"5\n", b"null\n", b""):
            host, port = two[0].split(":")
            for _ in range(100):
                try:
                    with socket.create_connection((host, int(port)), 5.0) as call:
                        call.sendall(words)
                    break
                except ConnectionRefusedError:
                    pass
        rendezvous.meet(two, 1, 20.0)
        assert first.exception() is None
