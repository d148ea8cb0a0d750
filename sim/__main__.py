"""`python -m sim` and the `sim` command."""

import io
import os
import signal
import sys
import time

PATIENCE = 2.0
"""Seconds that stopping takes at most; whoever asks again after that is served at once."""
asked: list[float] = []


class Stopped(KeyboardInterrupt):
    """An interrupt under another name: where one of Python's own passes through `exec`, Python ends by the signal in the end."""


def stop(number: int, _frame: object) -> None:
    """Stop in good order when asked first; what is asked again meanwhile is under way, and later ends the process as it is."""
    if not asked:
        asked.append(time.monotonic())
        raise Stopped(signal.Signals(number))
    if time.monotonic() - asked[0] > PATIENCE:
        os._exit(128 + number)


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        signal.signal(signal.SIGTERM, stop)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, stop)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a terminal of another encoding gets the number of a letter
        from sim.cli import run_command

        code = run_command(sys.argv[1:])
    except KeyboardInterrupt as error:  # while the modules load
        code = 128 + (error.args[0] if error.args else signal.SIGINT)
    if asked:  # Python takes its handlers down before it ends: what is asked again then would end it by the signal, without a code
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


if __name__ == "__main__":
    main()
