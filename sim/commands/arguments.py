"""The arguments of the command line: the verbs, what each takes, and the help texts."""

import argparse
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import NoReturn

from sim.errors import SettingError

OVERRIDE = "an override in Hydra's grammar: scenario=peace_deal, dynamics.vigilance=0.5, 'shock=[peace_deal,trade_opening]'"
VERBS = {
    "run": "simulate one setting (with -m: a folder for each of several)",
    "sweep": "simulate many settings at once, on common random numbers, against a reference",
    "plan": "report what a sweep would take: variants, replicates, steps, bytes, time; nothing is written",
    "compare": "compare the variants of a results folder with their reference, or two folders with each other",
    "explain": "split the change of a state's alignment with a bloc into its contributions, or narrate a run month by month",
    "status": "report how complete a results folder is, and the command that continues it",
    "verify": "check every chunk, table and figure of a results folder against its hash, and compute some chunks again",
    "clean": "remove from a results folder what the same command can make again: its chunks",
    "figures": "draw the figures of a results folder again, without simulating",
}
RUNNING = ("run", "sweep", "plan")
"""The verbs that take settings of a run."""
TENDING = ("status", "verify", "clean", "figures")
"""The verbs that inspect or maintain an existing folder."""
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
    "clean": "sim clean outputs/headline-0123abcd --dry-run\n  sim clean outputs/headline-0123abcd"
    "\n  sim clean outputs/headline-0123abcd --tables",
    "figures": "sim figures outputs/headline-0123abcd",
}
SETTINGS_HELP = """settings of a run (configs/config.yaml lists them all):
  start= end= periods_per_year= replicates= seed=   the time window and the replicates
  sample=ranges draws=N      draw every number from its plausible range
  'KEY=interval(LOW,HIGH)'   draw one number between two ends, draws=N times
  design=grid|zip            all combinations of swept values, or the first with the first and so on
  design=random|latin|sobol  how ranges and intervals are drawn
  record=auto|trajectories|decomposition|summaries   what the results folder holds
  reference=SCENARIO         what the others are compared with: its variant of the same other values; empty: the baseline,
                             else the first scenario; the label of a variant: all are compared with that one
  out=DIR                    the folder of results"""
EXPLAIN_HELP = (
    "whose alignment with whom; variant=NAME, from= and to= (instants, as 2025-08), out=DIR; without a state and a bloc replicate=K"
)
TRUST_HELP = "open results whose data are in another place, or whose links lead out of their folder: only if you know who made them"
VERIFY_HELP = "sample=N: how many chunks to compute again (3); seed=N: which ones (by default random; the seed is printed)"


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `SettingError` for arguments that it cannot read."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        raise SettingError("arguments", message, f"{self.prog} --help lists the arguments")


def parser_of(verb: str) -> Parser:
    """The parser of one verb's arguments."""
    about = argparse.RawDescriptionHelpFormatter
    tail = f"examples:\n  {EXAMPLES[verb]}" + (f"\n\n{SETTINGS_HELP}" if verb in RUNNING else "")
    parser = Parser(prog=f"sim {verb}", description=VERBS[verb], epilog=tail, formatter_class=about, allow_abbrev=False)
    parser.add_argument("--trust-place", action="store_true", help=TRUST_HELP)
    if verb == "compare":
        parser.add_argument("folders", nargs="+", metavar="DIR", help="one results folder, or two; out=DIR: where to write")
        return parser
    if verb == "explain":
        parser.add_argument("folder", metavar="DIR", help="a results folder of a run with record=decomposition")
        parser.add_argument("words", nargs="*", default=[], metavar="STATE BLOC", help=EXPLAIN_HELP)
        return parser
    if verb in TENDING:
        parser.add_argument("folder", metavar="DIR", help="a results folder, one of several jobs, or of one of them")
    if verb in ("status", "figures"):
        return parser
    if verb == "clean":
        parser.add_argument("--tables", action="store_true", help="its tables and figures too; config.yaml stays")
        parser.add_argument("--dry-run", action="store_true", help="list what would be removed, and remove nothing")
        return parser
    if verb == "verify":
        parser.add_argument("words", nargs="*", default=[], metavar="key=value", help=VERIFY_HELP)
        parser.add_argument(
            "--hash", action="store_true", help="print one SHA-256 of the data, the same for any division into chunks"
        )
        return parser
    parser.add_argument("overrides", nargs="*", metavar="key=value", help=OVERRIDE)
    parser.add_argument("--config-dir", metavar="DIR", help="your own folder of region/, shock/, scenario/ ... files")
    parser.add_argument("--cfg", choices=["job"], help="print the composed settings and stop")
    if verb == "run":
        parser.add_argument("-m", "--multirun", action="store_true", help="a job and a folder for each of the swept settings")
    return parser


def top_parser() -> Parser:
    """The parser of arguments without a verb: --help and --version."""
    verbs = "\n".join(f"  sim {verb:<8} {about}" for verb, about in VERBS.items())
    tail = f'{verbs}\n\n`sim VERB --help` explains one verb. Completion in bash: eval "$(sim -sc install=bash)"'
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


def demand_overrides(words: Sequence[str], picking: Callable[[str], str]) -> None:
    """Raise `SettingError` for arguments that are no overrides.

    `picking` gives the override that selects a config file of a given name, or an empty text; it is suggested in the message.
    """
    for word in words:
        if "=" not in word and not word.startswith("~"):
            key, sign, value = word.partition(":")
            meant = f"{key}={value}" if sign and value else picking(word)
            raise SettingError(word, "is no override", "key=value, as in scenario=peace_deal", meant, "arguments")


def said_once(words: Sequence[str]) -> dict[str, str]:
    """Arguments key=value as a dictionary; `SettingError` where a key is given twice."""
    values: dict[str, str] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key in values:
            raise SettingError(key, "is given twice", f"{key}=... once", where="arguments")
        values[key] = value
    return values
