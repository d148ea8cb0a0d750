"""The `sim` command: verbs and paths are plain arguments, everything else is Hydra's override grammar."""

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim import calling, places, stopping
from sim.arguments import TENDING, VERBS, Parser, demand_overrides, parser_of, said_once, top_parser
from sim.calling import program
from sim.legible import say
from sim.names import several
from sim.progress import progress
from sim.refusal import SettingError, likely

GOOD, BAD_INPUT, JOBS_FAILED, NO_ROOM, STOPPED = 0, 2, 3, 5, 128
"""Exit codes; one that is stopped ends with the number of the signal beyond the last."""
LINES_MAX = 6
"""Lines of an error message."""


def run_command(argv: Sequence[str]) -> int:
    """Run the command line; its exit code. Bad input is one message of at most six lines, never a traceback."""
    try:
        stopping.check()
        code = _dispatch(list(argv))
        stopping.check()
        return code
    except SettingError as error:
        return refuse(str(error), error.code)
    except KeyboardInterrupt as stop:
        stopping.tell(calling.stopped(argv, "nothing half-written is left"))
        return STOPPED + (stop.args[0] if stop.args else signal.SIGINT)
    except BrokenPipeError:  # whoever read what is said has gone, and what was under way has not ended
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - nothing may be flushed to a closed pipe on exit
        return STOPPED + signal.SIGPIPE
    except OSError as error:
        said = "chunks that are done are kept; where there is room, the same command goes on"
        said = said if calling.keeps() else "nothing was kept; where there is room, the same command begins again"
        return refuse(f"{error.filename or 'screen or files'}: {error.strerror or error}; {said}", NO_ROOM)
    except MemoryError:
        return refuse("memory: not enough for these worlds\n  allowed: fewer replicates or variants, or keep=summaries", BAD_INPUT)


def refuse(message: str, code: int) -> int:
    """Print a message to people, cut to what they read; the code that it ends with."""
    lines = [line if len(line) <= 400 else line[:397] + "..." for line in message.splitlines()]
    say(f"sim: {lines[0]}", *lines[1:LINES_MAX], wrong=True)
    return code


def _dispatch(argv: list[str]) -> int:
    verb = argv[0] if argv else "--help"
    if verb == "-sc":
        return complete_shell(argv[1:])
    if verb.startswith("-"):
        return _told(top_parser(), argv or ["--help"])
    if verb not in VERBS:
        raise SettingError("arguments", f"no verb is called {verb!r}", ", ".join(VERBS), likely(verb, VERBS))
    parser = parser_of(verb)
    try:
        options = parser.parse_intermixed_args(argv[1:])
    except SystemExit as stop:
        return int(stop.code or 0)
    with places.trusting(places.ANY if options.trust_place else ""):
        return _obeyed(verb, options)


def _obeyed(verb: str, options: Any) -> int:
    """Do what a verb asks for."""
    for folder in getattr(options, "folders", [getattr(options, "folder", "")]):
        places.demand_path("out" if folder.startswith("out=") else "DIR", folder.removeprefix("out="))
    if verb == "compare":
        return compare_folders(options.folders)
    if verb == "explain":
        return explain_folder(options.folder, options.words)
    if verb in TENDING:
        from sim import tending

        tending.tend(verb, options)
        return GOOD
    from sim.folders import Folders

    demand_overrides(options.overrides, Folders().picking)
    return run_jobs(options) if getattr(options, "multirun", False) else run_together(verb, options)


def _told(parser: Parser, argv: list[str]) -> int:
    try:
        parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return GOOD


# Verbs ----------------------------------------------------------------------------------------------------------------------


def run_together(verb: str, options: Any) -> int:
    """`sim run`, `sim sweep` and `sim plan`: all variants in one kernel call, one folder."""
    from sim.compose import expand, expand_one

    variants = (expand_one if verb == "run" else expand)(options.overrides, options.config_dir)
    tell_replaced(options)
    if options.cfg:
        return _show(variants)
    if verb == "plan":
        from sim import planning

        say(*planning.lines(variants))
        return GOOD

    from sim import holding, outputs, results, telling

    folder = outputs.folder_for(variants, verb)
    settings = outputs.settings_of(variants)
    if holding.complete(folder, settings, variants[0].config.engine.chunks):
        with places.trusting(variants[0].config.engine.chunks):
            say(*outputs.mend(folder, variants))
            ds = results.open_results(folder)
        say(*telling.effects_lines(ds))
        return _end(folder, f"already complete: {folder}{telling.against(ds)}", variants, options)

    from sim.plans import Plan

    plan = Plan(variants)
    say(*telling.describe(plan))
    calling.BEGUN.append(folder)
    if part := plan.config.engine.part:
        with progress() as watch:
            count = outputs.write_part(folder, plan, settings, watch)
        done = f"{several(count, 'chunk')} {'is' if count == 1 else 'are'} in {folder}"
        say(f"part {part}: {done}; when all parts are, the same command without engine.part ends the run")
        return GOOD
    with progress() as watch:
        ds = outputs.write_run(folder, plan, settings, watch)
    if not plan.margins_are_quick:
        say(*telling.margin_lines(plan))
    say(*telling.effects_lines(ds))
    return _end(folder, f"results: {folder}", variants, options)


def tell_replaced(options: Any) -> None:
    """Name the user's files that stand before shipped ones; beside settings that are printed, not among them."""
    from sim.folders import folders

    say(*folders(options.config_dir).replaced_lines(), wrong=bool(options.cfg))


def _show(variants: Sequence[Any]) -> int:
    import yaml

    shown = {id(variant.settings): variant for variant in variants}
    for variant in shown.values():
        if len(shown) > 1:
            say(f"--- # {variant.label}")
        say(*yaml.safe_dump(variant.settings, sort_keys=False, allow_unicode=True, width=132).splitlines())
    return GOOD


def _end(folder: Path, said: str, variants: Any, options: Any) -> int:
    say(said)
    say(f"figures: {folder / 'figures'}")
    say(f"next: {program()} {_next_step(folder, variants, options)}")
    return GOOD


def _next_step(folder: Path, variants: Any, options: Any) -> str:
    """What can be asked of results: many variants are compared, one is explained once the parts of its moves are kept."""
    if len(variants.points) > 1:
        return f"compare {shlex.quote(str(folder))}"
    if variants[0].config.keep.name == "parts":
        return f"explain {shlex.quote(str(folder))}"
    words = [word for word in options.overrides if not word.startswith(("keep=", "out="))]
    own = ["--config-dir", options.config_dir] if options.config_dir else []
    return shlex.join(["run", *words, "keep=parts", *own])


def run_jobs(options: Any) -> int:
    """`sim run -m`: a job and a folder for each setting, and a table of the jobs beside them."""
    from sim import jobs
    from sim.compose import expand_jobs
    from sim.config import Keep

    tell_replaced(options)
    batches = expand_jobs(options.overrides, options.config_dir)
    if options.cfg:
        return _show(jobs.variants_of(batches))
    for line in jobs.notes(batches):
        print(line, file=sys.stderr)
    folder = jobs.folder_of(batches)
    calling.BEGUN.append(folder)
    done = jobs.write_jobs(folder, batches, progress)
    say(*jobs.lines(done))
    say(f"results: {folder} ({several(len(done), 'job')}, jobs.csv lists them)")
    failed = sum(job.status == jobs.FAILED for job in done)
    if failed:
        say(f"sim: {failed} of {len(done)} jobs failed; the same command tries them again", wrong=True)
        return JOBS_FAILED
    first_of: dict[int, jobs.Job] = {}
    for job in done:
        on_its_luck = first_of.setdefault(job.point.whole.config.seed, job) if job.keep is not Keep.summaries else job
        if on_its_luck is not job:
            first, second = (shlex.quote(str(folder / one.name)) for one in (on_its_luck, job))
            say(f"next: {program()} compare {first} {second}")
            break
    return GOOD


def compare_folders(words: Sequence[str]) -> int:
    """`sim compare DIR` and `sim compare A B`."""
    out = [word.removeprefix("out=") for word in words if word.startswith("out=")]
    folders = [Path(word) for word in words if not word.startswith("out=")]
    if not 1 <= len(folders) <= 2 or len(out) > 1:
        raise SettingError(
            "arguments", f"{several(len(folders), 'folder')} and {len(out)} out=", "one folder or two, and at most one out="
        )

    from sim import comparing

    into = comparing.write_comparison(folders, Path(out[0]) if out else None, tell=say)
    say(f"figures and tables: {into}")
    return GOOD


def explain_folder(folder: str, words: Sequence[str]) -> int:
    """`sim explain DIR STATE BLOC` and `sim explain DIR`."""
    said = said_once([word for word in words if "=" in word])
    actors = [word for word in words if "=" not in word]
    if len(actors) not in (0, 2):
        raise SettingError("arguments", several(len(actors), "actor"), "a state and a bloc, or neither")

    from sim import explaining

    into = explaining.write_explanation(Path(folder), actors, said, tell=say)
    say(f"written: {into}")
    return GOOD


# Completion -----------------------------------------------------------------------------------------------------------------


def complete_shell(words: Sequence[str]) -> int:
    """Hydra's own completion with the verb cut away: `-sc install=bash` prints the rule, `-sc query=bash` the choices."""
    from sim.completion import complete

    return complete(words, list(VERBS))
