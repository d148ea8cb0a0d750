"""`python -m sim` and the `sim` command."""

import gc
import io
import sys

from sim import interrupts
from sim.commands import calling


def main() -> None:
    """Run the command line and exit with its code."""
    interrupts.listen(lambda: calling.stopped(sys.argv[1:], "what was half-written is made anew"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal of another encoding gets the number of a letter
    from sim.commands.cli import run_command

    code = run_command(sys.argv[1:])
    interrupts.leave()
    gc.freeze()  # Python would walk all that is left once more, which takes as long as loading it
    sys.exit(code)


if __name__ == "__main__":
    main()
