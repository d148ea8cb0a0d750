"""Refuse the network in this process: used by the tests (`tests/conftest.py`), with the standard library only."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


class RefusedError(RuntimeError):
    """An attempt to use a network."""


@contextmanager
def sealed(attempts: list[str], loopback: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Refuse and log every connection and name look-up; `loopback` returns whether connections to this machine are allowed."""

    def demand(what: str, host: object) -> None:
        if not (loopback() and _is_here(host)):
            attempts.append(f"{what} {host}")
            raise RefusedError(f"{what} {host}: the network is out of bounds here")

    def guarded(name: str) -> Any:
        real = getattr(socket.socket, name)

        def call(self: socket.socket, *given: Any) -> Any:
            address = given[-1]
            if self.family in (socket.AF_INET, socket.AF_INET6):
                demand(name, address[0] if isinstance(address, tuple) else address)
            return real(self, *given)

        return mock.patch.object(socket.socket, name, call)

    def looked_up(name: str) -> Any:
        real = getattr(socket, name)

        def call(host: Any, *given: Any, **more: Any) -> Any:
            demand(name, host)
            return real(host, *given, **more)

        return mock.patch.object(socket, name, call)

    with (
        guarded("connect"),
        guarded("connect_ex"),
        guarded("sendto"),
        looked_up("getaddrinfo"),
        looked_up("gethostbyname"),
        looked_up("gethostbyaddr"),
    ):
        yield


def _is_here(host: object) -> bool:
    """Whether a host is this machine."""
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return host in (None, "localhost", "") or ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
