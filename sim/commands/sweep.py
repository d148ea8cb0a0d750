"""`sim sweep`: simulates many settings at once, on common random numbers, into one folder."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.commands import calling, identity, screen, writing
from sim.commands.calling import program
from sim.commands.codes import GOOD
from sim.commands.progress import progress
from sim.commands.screen import show, tell_replaced
from sim.compose.expand import expand
from sim.config import places
from sim.config.schema import Record, Variant
from sim.engine.plan import Plan
from sim.names import several
from sim.results import lifecycle, reading
from sim.text import say


def command(options: Any) -> int:
    """Run `sim sweep` with the parsed arguments and return the exit code."""
    return together("sweep", expand(options.overrides, options.config_dir), options)


def together(verb: str, variants: Sequence[Variant], options: Any) -> int:
    """Simulate some variants together into one folder, or report that it is complete; for `sim run` with one setting too."""
    tell_replaced(options)
    if options.cfg:
        return show(variants)
    folder = identity.folder_for(variants, verb)
    settings = identity.settings_of(variants)
    if lifecycle.complete(folder, settings, variants[0].config.engine.chunks):
        with places.trusting(variants[0].config.engine.chunks):
            say(*writing.mend(folder, variants))
            ds = reading.open_results(folder)
        say(*screen.effects_lines(ds))
        return _end(folder, f"already complete: {folder}{screen.against(ds)}", variants, options)

    plan = Plan(variants)
    say(*screen.describe(plan))
    calling.BEGUN.append(folder)
    if part := plan.config.engine.part:
        with progress() as watch:
            count = writing.write_part(folder, plan, settings, watch)
        done = f"{several(count, 'chunk')} {'is' if count == 1 else 'are'} in {folder}"
        say(f"part {part}: {done}; when all parts are, the same command without engine.part completes the run")
        return GOOD
    with progress() as watch:
        ds = writing.write_run(folder, plan, settings, watch)
    if not plan.margins_are_quick:
        say(*screen.margin_lines(plan))
    say(*screen.effects_lines(ds))
    return _end(folder, f"results: {folder}", variants, options)


def _end(folder: Path, message: str, variants: Any, options: Any) -> int:
    say(message)
    say(f"figures: {folder / 'figures'}")
    say(f"next: {program()} {_next_step(folder, variants, options)}")
    return GOOD


def _next_step(folder: Path, variants: Any, options: Any) -> str:
    """The suggested next command: compare several variants; explain one, or run it again with its decomposition recorded."""
    if len(variants.points) > 1:
        return f"compare {shlex.quote(str(folder))}"
    if variants[0].config.record is Record.decomposition:
        return f"explain {shlex.quote(str(folder))}"
    words = [word for word in options.overrides if not word.startswith(("record=", "out="))]
    own = ["--config-dir", options.config_dir] if options.config_dir else []
    return shlex.join(["run", *words, "record=decomposition", *own])
