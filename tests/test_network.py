"""The tests run without a network, and attempts to use one are refused."""

import os
import socket
import subprocess
import sys

import pytest

from experiments.reliability import offline, sealing

TRIES = {
    "a connection": lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
    "one by a socket": lambda: socket.socket().connect(("192.0.2.1", 80)),
    "one to this machine": lambda: socket.socket().connect(("127.0.0.1", 9)),
    "one that tells an error": lambda: socket.socket().connect_ex(("192.0.2.1", 80)),
    "a datagram": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    "a name": lambda: socket.getaddrinfo("example.org", 80),
    "a name by the old call": lambda: socket.gethostbyname("example.org"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("what", TRIES)
def test_what_goes_towards_a_network_is_refused_and_noted(what, attempts):
    with pytest.raises(sealing.RefusedError, match="out of bounds"):
        TRIES[what]()
    assert len(attempts) == 1
    attempts.clear()


def test_processes_of_this_machine_may_speak_by_files():
    one, other = socket.socketpair()
    with one, other:
        one.send(b"x")
        assert other.recv(1) == b"x"


def test_only_this_machine_is_here():
    assert all(map(sealing._is_here, ("127.0.0.1", "::1", "localhost", b"127.0.0.1", None)))
    assert not any(map(sealing._is_here, ("192.0.2.1", "example.org", "localhost.example.org", "0.0.0.0", "10.0.0.1")))


def test_a_process_that_goes_towards_a_network_is_heard(tmp_path):
    """In a command of several processes, logged as in row S7."""
    heard, environment = offline.watched(tmp_path)
    code = "import socket; socket.getaddrinfo('127.0.0.1', 9)"
    twice = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], check=True)"
    subprocess.run([sys.executable, "-c", twice], env={**os.environ, **environment}, check=True)
    assert "socket.getaddrinfo" in heard.read_text()
