"""`python -m sim` and the `sim` command."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from sim.cli import run_command
    except KeyboardInterrupt:  # while the modules load
        sys.exit(130)
    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
