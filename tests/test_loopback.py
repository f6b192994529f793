"""The tests themselves can reach no other host."""

import socket

import pytest


def test_a_test_that_reaches_for_another_host_fails() -> None:
    # A datagram socket: were the guard broken, connecting it would still send nothing.
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(pytest.fail.Exception, match=r"another host: '192\.0\.2\.1'"),
    ):
        sock.connect(("192.0.2.1", 9))


def test_a_test_that_looks_up_another_host_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"another host: 'billing\.invalid'"):
        socket.create_connection(("billing.invalid", 9))


def test_loopback_is_within_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
