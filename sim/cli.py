"""The `sim` command: verbs and paths are plain arguments, everything else is Hydra's override grammar."""

import argparse
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from sim.refusal import SettingError, likely

GOOD, BAD_INPUT, JOBS_FAILED, NO_ROOM, INTERRUPTED, TERMINATED = 0, 2, 3, 5, 130, 143
"""Exit codes."""
LINES_MAX = 6
"""Lines of an error message."""
OVERRIDE = "an override in Hydra's grammar: scenario=peace_deal, dynamics.vigilance=0.5, 'shock=[peace_deal,trade_opening]'"
VERBS = {
    "run": "simulate one setting (with -m: a folder for each of several)",
    "sweep": "simulate many settings at once, on the same luck, against a reference",
    "plan": "say what a sweep would take: variants, worlds, steps, bytes, time; nothing is written",
    "compare": "set the variants of a results folder against their reference, or two folders against each other",
    "explain": "split the change of a state's alignment with a bloc into its parts, or tell a run month by month",
    "status": "say how far a results folder is, and the command that goes on with it",
    "verify": "check every chunk of a results folder against its hash, and compute some again",
}
RUNNING = ("run", "sweep", "plan")
"""The verbs that take settings of a run."""
EXAMPLES = {
    "run": "sim run scenario=peace_deal\n  sim run -m seed=1,2,3\n  sim run 'shock=[peace_deal,trade_opening]' --cfg job",
    "sweep": "sim sweep study=headline\n  sim sweep scenario=baseline,peace_deal dynamics.vigilance=0.5,1,2\n"
    "  sim sweep scenario=baseline,peace_deal 'dynamics.vigilance=interval(0,2)' design=sobol draws=256",
    "plan": "sim plan study=headline\n  sim plan scenario=baseline,peace_deal sample=ranges draws=1024 design=sobol",
    "compare": "sim compare outputs/headline-0123abcd\n  sim compare outputs/first outputs/second out=outputs/both",
    "explain": "sim explain outputs/run-0123abcd armenia russia\n  sim explain outputs/run-0123abcd armenia russia from=2025-08\n"
    "  sim explain outputs/run-0123abcd variant=peace_deal",
    "status": "sim status outputs/headline-0123abcd",
    "verify": "sim verify outputs/headline-0123abcd\n  sim verify outputs/headline-0123abcd sample=10 seed=1\n"
    "  sim verify outputs/headline-0123abcd --hash",
}
SETTINGS_HELP = """settings of a run (configs/config.yaml says more):
  start= end= periods_per_year= replicates= seed=   the window and the worlds
  sample=ranges draws=N      draw every number from its plausible range
  'KEY=interval(LOW,HIGH)'   draw one number between two ends, draws=N times
  design=grid|zip            cross swept values, or take them side by side
  design=random|latin|sobol  how ranges and intervals are drawn
  keep=worlds|parts|summaries   what the results folder holds
  reference=NAME             the variant that the others are set against
  out=DIR                    the folder of results"""


EXPLAIN_HELP = "whose alignment with whom; variant=NAME, from= and to= (instants, as 2025-08), out=DIR; without them world=K"


VERIFY_HELP = "sample=N chunks to compute again (3), seed=N which (any, and it is said)"


class Parser(argparse.ArgumentParser):
    """Refuses what it cannot read in the words of `SettingError`."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        raise SettingError("arguments", message, f"{self.prog} --help says what can be said")


def parser_of(verb: str) -> Parser:
    """The parser of one verb's arguments."""
    about = argparse.RawDescriptionHelpFormatter
    tail = f"examples:\n  {EXAMPLES[verb]}" + (f"\n\n{SETTINGS_HELP}" if verb in RUNNING else "")
    parser = Parser(prog=f"sim {verb}", description=VERBS[verb], epilog=tail, formatter_class=about, allow_abbrev=False)
    if verb == "compare":
        parser.add_argument("folders", nargs="+", metavar="DIR", help="one results folder, or two; out=DIR says where to write")
        return parser
    if verb == "explain":
        parser.add_argument("folder", metavar="DIR", help="a results folder of a run with keep=parts")
        parser.add_argument("words", nargs="*", metavar="STATE BLOC", help=EXPLAIN_HELP)
        return parser
    if verb in ("status", "verify"):
        parser.add_argument("folder", metavar="DIR", help="a results folder, one of several jobs, or of one of them")
    if verb == "status":
        return parser
    if verb == "verify":
        parser.add_argument("words", nargs="*", metavar="key=value", help=VERIFY_HELP)
        parser.add_argument("--hash", action="store_true", help="print one SHA-256 of the data, however it is cut into chunks")
        return parser
    parser.add_argument("overrides", nargs="*", metavar="key=value", help=OVERRIDE)
    parser.add_argument("--config-dir", metavar="DIR", help="your own folder of region/, shock/, scenario/ ... files")
    parser.add_argument("--cfg", choices=["job"], help="print the composed settings and stop")
    if verb == "run":
        parser.add_argument("-m", "--multirun", action="store_true", help="a job and a folder for each of the swept settings")
    return parser


def top_parser() -> Parser:
    """The parser of what stands before a verb."""
    verbs = "\n".join(f"  sim {verb:<8} {about}" for verb, about in VERBS.items())
    tail = f'{verbs}\n\n`sim VERB --help` says more. Completion in bash: eval "$(sim -sc install=bash)"'
    parser = Parser(
        prog="sim",
        description="Scenarios of regional influence.",
        epilog=tail,
        add_help=True,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=f"sim {{{','.join(VERBS)}}} ...",
    )
    parser.add_argument("--version", action="version", version=f"sim {version('regional-influence')}")
    return parser


def run_command(argv: Sequence[str]) -> int:
    """Run the command line; its exit code. Bad input is one message of at most six lines, never a traceback."""
    try:
        return _dispatch(list(argv))
    except SettingError as error:
        return _refuse(str(error), error.code)
    except KeyboardInterrupt as stop:
        said = "stopped; chunks that are done are kept, nothing half-written is left. To go on:"
        print(f"sim: {said} {again(argv)}", file=sys.stderr)
        return TERMINATED if stop.args == (signal.SIGTERM,) else INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - nothing may be flushed to a closed pipe on exit
        return GOOD
    except OSError as error:
        said = "chunks that are done are kept; where there is room, the same command goes on"
        return _refuse(f"{error.filename or 'files'}: {error.strerror or error}; {said}", NO_ROOM)
    except MemoryError:
        return _refuse("memory: not enough for these worlds\n  allowed: fewer replicates or variants, or keep=summaries", BAD_INPUT)


def _refuse(message: str, code: int) -> int:
    lines = [line if len(line) <= 400 else line[:397] + "..." for line in message.splitlines()]
    print("\n".join([f"sim: {lines[0]}", *lines[1:LINES_MAX]]), file=sys.stderr)
    return code


def again(argv: Sequence[str]) -> str:
    """The command as it can be typed in the same place."""
    return f"{program()} {shlex.join(argv)}"


def program() -> str:
    """How this program is called from here: by name where the shell finds it, else by its path."""
    typed = Path(sys.argv[0])
    if typed.name == "__main__.py":
        return "python -m sim"
    found = shutil.which(typed.name)
    if found and Path(found).resolve() == typed.resolve():
        return typed.name
    return shlex.quote(os.path.relpath(typed))


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
    if verb == "compare":
        return compare_folders(options.folders)
    if verb == "explain":
        return explain_folder(options.folder, options.words)
    if verb == "status":
        from sim import verifying

        print("\n".join(verifying.status(Path(options.folder))))
        return GOOD
    if verb == "verify":
        return verify_folder(Path(options.folder), options.words, options.hash)
    _demand_overrides(options.overrides)
    return run_jobs(options) if getattr(options, "multirun", False) else run_together(verb, options)


def _told(parser: Parser, argv: list[str]) -> int:
    try:
        parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return GOOD


def _demand_overrides(words: Sequence[str]) -> None:
    for word in words:
        if "=" not in word and not word.startswith("~"):
            raise SettingError(word, "is no override", "key=value, as in scenario=peace_deal", where="arguments")


# Verbs ----------------------------------------------------------------------------------------------------------------------


def run_together(verb: str, options: Any) -> int:
    """`sim run`, `sim sweep` and `sim plan`: all variants in one kernel call, one folder."""
    from sim.compose import expand

    variants = expand(options.overrides, options.config_dir)
    if verb == "run" and len(variants.points) > 1:
        raise SettingError(
            " ".join(options.overrides),
            f"makes {len(variants.points)} variants",
            "sim sweep (one folder), or sim run -m (a folder each)",
        )
    if options.cfg:
        return _show(variants)
    if verb == "plan":
        from sim import planning

        print("\n".join(planning.lines(variants)))
        return GOOD

    from sim import holding, outputs, telling

    folder = outputs.folder_for(variants, verb)
    settings = outputs.settings_of(variants)
    if holding.complete(folder, settings):
        return _end(folder, f"already complete: {folder}", variants, options)

    from sim.simulate import Plan

    plan = Plan(variants)
    for line in telling.describe(plan):
        print(line, flush=True)
    if part := plan.config.engine.part:
        with progress() as watch:
            count = outputs.write_part(folder, plan, settings, watch)
        print(f"part {part}: {count} chunks are in {folder}; when all parts are, the same command without engine.part ends the run")
        return GOOD
    with progress() as watch:
        ds = outputs.write_run(folder, plan, settings, watch)
    if not plan.margins_are_quick:
        print("\n".join(telling.margin_lines(plan)))
    for line in telling.effects_lines(ds):
        print(line)
    return _end(folder, f"results: {folder}", variants, options)


@contextmanager
def progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar of worlds with rate and time left on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(unit=" worlds", unit_scale=True, leave=False, dynamic_ncols=True) as bar:

        def watch(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield watch


def _show(variants: Sequence[Any]) -> int:
    import yaml

    shown = {id(variant.settings): variant for variant in variants}
    for variant in shown.values():
        if len(shown) > 1:
            print(f"--- # {variant.label}")
        print(yaml.safe_dump(variant.settings, sort_keys=False, allow_unicode=True, width=132), end="")
    return GOOD


def _end(folder: Path, said: str, variants: Sequence[Any], options: Any) -> int:
    print(said)
    print(f"figures: {folder / 'figures'}")
    print(f"next: {program()} {_next_step(folder, variants, options)}")
    return GOOD


def _next_step(folder: Path, variants: Sequence[Any], options: Any) -> str:
    """What can be asked of results: many variants are compared, one is explained once the parts of its moves are kept."""
    if len(variants) > 1:
        return f"compare {shlex.quote(str(folder))}"
    if variants[0].config.keep.name == "parts":
        return f"explain {shlex.quote(str(folder))}"
    words = [word for word in options.overrides if not word.startswith(("keep=", "out="))]
    own = ["--config-dir", options.config_dir] if options.config_dir else []
    return shlex.join(["run", *words, "keep=parts", *own])


def run_jobs(options: Any) -> int:
    """`sim run -m`: a job and a folder for each setting, and a table of the jobs beside them."""
    from sim.compose import expand_jobs

    batches = expand_jobs(options.overrides, options.config_dir)

    from sim import jobs

    if options.cfg:
        return _show(jobs.variants_of(batches))
    folder = jobs.folder_of(batches)
    done = jobs.write_jobs(folder, batches, progress)
    for line in jobs.lines(done):
        print(line)
    print(f"results: {folder} ({len(done)} jobs, jobs.csv lists them)")
    failed = sum(job.status == jobs.FAILED for job in done)
    if failed:
        print(f"sim: {failed} of {len(done)} jobs failed; the same command tries them again", file=sys.stderr)
        return JOBS_FAILED
    if len(done) > 1:
        first, second = (shlex.quote(str(folder / job.name)) for job in done[:2])
        print(f"next: {program()} compare {first} {second}")
    return GOOD


def compare_folders(words: Sequence[str]) -> int:
    """`sim compare DIR` and `sim compare A B`."""
    out = [word.removeprefix("out=") for word in words if word.startswith("out=")]
    folders = [Path(word) for word in words if not word.startswith("out=")]
    if not 1 <= len(folders) <= 2 or len(out) > 1:
        raise SettingError("arguments", f"{len(folders)} folders and {len(out)} out=", "one folder or two, and at most one out=")

    from sim import comparing

    into = comparing.write_comparison(folders, Path(out[0]) if out else None, tell=print)
    print(f"figures and tables: {into}")
    return GOOD


def explain_folder(folder: str, words: Sequence[str]) -> int:
    """`sim explain DIR STATE BLOC` and `sim explain DIR`."""
    said = dict(word.split("=", 1) for word in words if "=" in word)
    actors = [word for word in words if "=" not in word]
    if len(actors) not in (0, 2):
        raise SettingError("arguments", f"{len(actors)} actors", "a state and a bloc, or neither")

    from sim import explaining

    into = explaining.write_explanation(Path(folder), actors, said, tell=print)
    print(f"written: {into}")
    return GOOD


def verify_folder(folder: Path, words: Sequence[str], hash_only: bool) -> int:
    """`sim verify DIR` and `sim verify DIR --hash`."""
    from sim import verifying

    said: dict[str, str] = {}
    for word in words:
        key, _, value = word.partition("=")
        said[key] = value
        if key not in ("sample", "seed") or not (value.isascii() and value.isdecimal()):
            raise SettingError(key, f"{value!r} is not read", "sample=N and seed=N, whole numbers from 0", where="arguments")
    if hash_only:
        if said:
            raise SettingError("--hash", "is of all data, so nothing is drawn", "--hash alone", where="arguments")
        print(verifying.data_hash(folder))
        return GOOD
    seed = int(said.get("seed") or int.from_bytes(os.urandom(4)))
    print("\n".join(verifying.verify(folder, int(said.get("sample", verifying.SAMPLE)), seed)))
    return GOOD


# Completion -----------------------------------------------------------------------------------------------------------------


def complete_shell(words: Sequence[str]) -> int:
    """Hydra's own completion with the verb cut away: `-sc install=bash` prints the rule, `-sc query=bash` the choices."""
    from sim.completion import complete

    return complete(words, list(VERBS))
