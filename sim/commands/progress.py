"""How far a run is, on a terminal: one line that is written over and over, and taken away in the end."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

BAR = 24
"""Letters of the bar itself."""
OFTEN = 0.1
"""Seconds between two lines at least."""


@contextmanager
def progress() -> Iterator[Callable[[int, int], None] | None]:
    """What is told of worlds done and worlds in all, and shows it where stderr is a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    began: list[tuple[float, int]] = []
    shown = 0.0

    def watch(done: int, total: int) -> None:
        nonlocal shown
        now = time.monotonic()
        began.append((now, done))
        del began[1:]
        if now - shown >= OFTEN:
            shown = now
            _write(line(done, total, done - began[0][1], now - began[0][0])[: shutil.get_terminal_size().columns - 1])

    try:
        yield watch
    finally:
        _write("")


def line(done: int, total: int, own: int, seconds: float) -> str:
    """How far it is, how fast, and how long it takes yet; `own` are the worlds that took these seconds.

    >>> line(50, 200, 40, 20.0)
    ' 25% |######                  | 50 of 200 worlds, 2 a second, 1:15 left'
    """
    share = done / total if total else 1.0
    told = f"{share:4.0%} |{'#' * int(share * BAR):<{BAR}}| {done:,} of {total:,} worlds"
    if not own or seconds <= 0:
        return told
    rate = own / seconds
    minutes, rest = divmod(round((total - done) / rate), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{told}, {rate:,.0f} a second, {f'{hours}:{minutes:02d}' if hours else minutes}:{rest:02d} left"


def _write(text: str) -> None:
    with suppress(OSError):  # a terminal that was closed
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
