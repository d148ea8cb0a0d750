"""`python -m sim` and the `sim` command."""

import gc
import io
import sys

from sim import interrupts
from sim.commands import calling


def main() -> None:
    """Run the command line and exit with its code."""
    interrupts.listen(lambda: calling.stopped(sys.argv[1:], "unfinished ones are computed again"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # letters that the terminal's encoding lacks are written as escapes
    from sim.commands.cli import run_command

    code = run_command(sys.argv[1:])
    interrupts.leave()
    gc.freeze()  # no garbage collection on exit, which would take as long as loading the modules
    sys.exit(code)


if __name__ == "__main__":
    main()
