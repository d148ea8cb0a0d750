"""The progress of a run on a terminal: one line that is overwritten and removed at the end."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

BAR = 24
"""Width of the bar in characters."""
OFTEN = 0.1
"""Least time between two updates, in seconds."""


@contextmanager
def progress() -> Iterator[Callable[[int, int], None] | None]:
    """A function that shows the number of replicates done and in all; None if stderr is no terminal."""
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
    """The share done, the rate and the time left; `own` is how many replicates were computed in these seconds.

    >>> line(50, 200, 40, 20.0)
    ' 25% |######                  | 50 of 200 replicates, 2 a second, 1:15 left'
    """
    share = done / total if total else 1.0
    text = f"{share:4.0%} |{'#' * int(share * BAR):<{BAR}}| {done:,} of {total:,} replicates"
    if not own or seconds <= 0:
        return text
    rate = own / seconds
    minutes, rest = divmod(round((total - done) / rate), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{text}, {rate:,.0f} a second, {f'{hours}:{minutes:02d}' if hours else minutes}:{rest:02d} left"


def _write(text: str) -> None:
    with suppress(OSError):  # a terminal that was closed
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
