"""The `sim` command: verbs and paths are plain arguments, everything else is Hydra's override grammar."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from sim import interrupts
from sim.commands import calling
from sim.commands.arguments import RUNNING, VERBS, Parser, demand_overrides, parser_of, top_parser
from sim.commands.codes import BAD_INPUT, GOOD, NO_ROOM, STOPPED
from sim.config import places
from sim.config.suggest import likely
from sim.errors import SettingError
from sim.text import say

LINES_MAX = 6
"""Lines of an error message."""


def run_command(argv: Sequence[str]) -> int:
    """Run the command line; its exit code. Bad input is one message of at most six lines, never a traceback."""
    try:
        interrupts.check()
        code = _dispatch(list(argv))
        interrupts.check()
        return code
    except SettingError as error:
        return refuse(str(error), error.code)
    except KeyboardInterrupt as stop:
        interrupts.tell(calling.stopped(argv, "no unfinished files are left"))
        return STOPPED + (stop.args[0] if stop.args else signal.SIGINT)
    except BrokenPipeError:  # the reader of the output has gone, and the command has not finished
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - nothing may be flushed to a closed pipe on exit
        return STOPPED + signal.SIGPIPE
    except OSError as error:
        saved = "finished chunks are saved; once there is room, the same command continues"
        state = saved if calling.has_chunks() else "nothing was saved; once there is room, the same command starts again"
        return refuse(f"{error.filename or 'screen or files'}: {error.strerror or error}; {state}", NO_ROOM)
    except MemoryError:
        return refuse(
            "memory: not enough for these replicates\n  allowed: fewer replicates or variants, or record=summaries", BAD_INPUT
        )


def refuse(message: str, code: int) -> int:
    """Print an error message, at most `LINES_MAX` lines of 400 characters, and return the given exit code."""
    lines = [line if len(line) <= 400 else line[:397] + "..." for line in message.splitlines()]
    say(f"sim: {lines[0]}", *lines[1:LINES_MAX], wrong=True)
    return code


def _dispatch(argv: list[str]) -> int:
    verb = argv[0] if argv else "--help"
    if verb == "-sc":
        return complete_shell(argv[1:])
    if verb.startswith("-"):
        return _parsed(top_parser(), argv or ["--help"])
    if verb not in VERBS:
        raise SettingError("arguments", f"no verb is called {verb!r}", ", ".join(VERBS), likely(verb, VERBS))
    parser = parser_of(verb)
    try:
        options = parser.parse_intermixed_args(argv[1:])
    except SystemExit as stop:
        return int(stop.code or 0)
    with places.trusting(places.ANY if options.trust_place else ""):
        return _run_verb(verb, options)


def _run_verb(verb: str, options: Any) -> int:
    """Check the folders and overrides of a verb, run it and return its exit code."""
    for folder in getattr(options, "folders", [getattr(options, "folder", "")]):
        places.demand_path("out" if folder.startswith("out=") else "DIR", folder.removeprefix("out="))
    if verb in RUNNING:
        from sim.compose.folders import Folders

        demand_overrides(options.overrides, Folders().picking)
    return _entry(verb)(options)


def _entry(verb: str) -> Callable[[Any], int]:
    """The function that runs a verb; importing it here loads only the modules that this verb needs."""
    match verb:
        case "run":
            from sim.commands.run import command
        case "sweep":
            from sim.commands.sweep import command
        case "plan":
            from sim.commands.plan import command
        case "compare":
            from sim.commands.compare import command
        case "explain":
            from sim.commands.explain import command
        case "status":
            from sim.commands.status import command
        case "verify":
            from sim.commands.verify import command
        case "clean":
            from sim.commands.clean import command
        case "figures":
            from sim.commands.figures import command
        case _:
            raise NotImplementedError(f"{verb} is in VERBS and has no case here")
    return command


def _parsed(parser: Parser, argv: list[str]) -> int:
    try:
        parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return GOOD


# Completion -----------------------------------------------------------------------------------------------------------------


def complete_shell(words: Sequence[str]) -> int:
    """Hydra's shell completion without the verb: `-sc install=bash` prints the shell rule, `-sc query=bash` the choices."""
    from sim.compose.completion import complete

    return complete(words, list(VERBS))
