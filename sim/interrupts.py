"""A stop that is asked for by a signal: noted at once, heeded where nothing is half done, and granted in any case in two seconds.

A handler that raised would strike anywhere: in a callback or finaliser Python would drop what it raises and only say so. So it
notes, and the work looks (`check`) between blocks of worlds, chunks, tables and figures. What cannot look in time is ended from
beside: whatever is written takes its place whole, so that even then nothing counts that is not whole.
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
"""Seconds after which a stop no longer waits for the work to look."""
LOOK_SECONDS = 0.1
"""How often those look who wait for others."""
SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
"""What asks for a stop, where whoever began the process did not have it ignored."""

Item = TypeVar("Item")
_asked: list[int] = []
_heeded = threading.Event()
_told = threading.Event()


class Stopped(KeyboardInterrupt):
    """The work stops at a place of its own choice.

    An interrupt under another name: where one of Python's own passes through `exec`, Python ends by the signal in the end.
    """


def listen(hint: Callable[[], str]) -> None:
    """Note from now on what asks for a stop; what `hint` gives then is said where it is granted from beside."""
    heard, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _note)
    threading.Thread(target=_end_in_time, args=(heard, hint), daemon=True).start()


def leave() -> None:
    """Hear nothing more: Python takes its handlers down before it ends, and what is asked then would end it without a code."""
    for number in SIGNALS:
        if signal.getsignal(number) is _note:
            signal.signal(number, signal.SIG_IGN)


def check() -> None:
    """Stop here where it was asked for; once, so that what is cleared away on the way out is cleared to its end."""
    if _asked and not _heeded.is_set():
        _heeded.set()
        raise Stopped(_asked[0])


def next_of(queue: "SimpleQueue[Item]") -> Item:
    """What comes next in a queue that others fill; a stop does not wait for it."""
    while True:
        check()
        with suppress(Empty):
            return queue.get(timeout=LOOK_SECONDS)


def tell(line: str) -> None:
    """Say that the work has stopped; to nobody where the terminal is closed."""
    _told.set()
    with suppress(OSError):
        os.write(2, f"{line}\n".encode())


def _note(number: int, _frame: object) -> None:
    _asked.append(number)


def _end_in_time(heard: int, hint: Callable[[], str]) -> None:
    """End the process a while after the first stop that is asked for, whatever it is about."""
    number = os.read(heard, 1)[0]
    while number not in SIGNALS:
        number = os.read(heard, 1)[0]
    time.sleep(PATIENCE)
    if not _told.is_set():
        tell(hint())
    os._exit(128 + number)
