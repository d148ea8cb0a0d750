"""Stops by a signal: recorded at once, acted on between steps of the work, and enforced after two seconds at most.

A signal handler that raised could interrupt any code: in a callback or finaliser Python would only print the exception. So the
handler records the signal, and the work calls `check` between blocks of replicates, chunks, tables and figures. Work that does not
check in time is ended by a thread: files are written atomically, so that even then none is incomplete.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

PATIENCE = 1.0
"""Seconds after which a stop no longer waits for the work to check."""
LOOK_SECONDS = 0.1
"""Seconds between checks while waiting for others."""
SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
"""The signals that request a stop, unless the parent process had them ignored."""

Item = TypeVar("Item")
_asked: list[int] = []
_heeded = threading.Event()
_reported = threading.Event()


class Stopped(KeyboardInterrupt):
    """Raised by `check` to stop the work.

    A class of its own: after a plain `KeyboardInterrupt` that passes through `exec`, Python ends by the signal.
    """


def listen(hint: Callable[[], str]) -> None:
    """Record requests to stop from now on; the text of `hint` is printed where the thread ends the process."""
    heard, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _note)
    threading.Thread(target=_end_in_time, args=(heard, hint), daemon=True).start()


def leave() -> None:
    """Ignore further signals: Python removes its handlers before it exits, and a signal then would end it without an exit code."""
    for number in SIGNALS:
        if signal.getsignal(number) is _note:
            signal.signal(number, signal.SIG_IGN)


def check() -> None:
    """Raise `Stopped` if a stop was requested; only once, so that clean-up on the way out is completed."""
    if _asked and not _heeded.is_set():
        _heeded.set()
        raise Stopped(_asked[0])


def next_of(queue: "SimpleQueue[Item]") -> Item:
    """The next item of a queue that others fill; a stop interrupts the waiting."""
    while True:
        check()
        with suppress(Empty):
            return queue.get(timeout=LOOK_SECONDS)


def tell(line: str) -> None:
    """Print on stderr that the work has stopped; nothing where the terminal is closed."""
    _reported.set()
    with suppress(OSError):
        os.write(2, f"{line}\n".encode())


def _note(number: int, _frame: object) -> None:
    _asked.append(number)


def _end_in_time(heard: int, hint: Callable[[], str]) -> None:
    """End the process `PATIENCE` seconds after the first request to stop, whatever it is doing."""
    number = os.read(heard, 1)[0]
    while number not in SIGNALS:
        number = os.read(heard, 1)[0]
    time.sleep(PATIENCE)
    if not _reported.is_set():
        tell(hint())
    os._exit(128 + number)
