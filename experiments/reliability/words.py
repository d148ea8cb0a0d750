# ruff: noqa: SIM905 - lists of words are read as text
"""Faulty text: mutated config files and overrides, ambiguous values, resource bombs; `trust.py` runs these tests.

Each function tests one row of `docs/trust.md` in a folder of its own and returns how often, and the number of failures.
"""

import csv
import io
import json
import random
import re
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from experiments.reliability.faults import Finding, two_runs
from sim.commands.cli import run_command
from sim.commands.verify import verify
from sim.compose.expand import expand
from sim.compose.folders import config_folder
from sim.compose.groups import GROUPS
from sim.engine.plan import Plan
from sim.errors import SettingError
from sim.figures import sheet
from sim.text import shown, unseen

HANG = 10
"""Seconds after which a case counts as one that never ends."""
SOURCES = (
    ("region", "toy", ["region=toy"]),
    ("region", "south_caucasus", []),
    ("dynamics", "reference", ["region=toy"]),
    ("dynamics", "no_peer_influence", ["region=toy", "dynamics=no_peer_influence"]),
    ("scenario", "peace_deal", ["scenario=peace_deal"]),
    ("scenario", "outlook_fire", ["scenario=outlook_fire"]),
    ("scenario", "no_war", ["scenario=no_war"]),
    ("shock", "peace_deal", ["shock=[peace_deal]"]),
    ("shock", "trade_opening", ["shock=[trade_opening]"]),
    ("shock", "border_road", ["shock=[border_road]"]),
    ("study", "headline", ["study=headline"]),
    ("engine", "local", ["region=toy"]),
)
"""Shipped files that are mutated, each with the command that reads it."""
ODD = (
    "\t\x00\x07\x1b\x7f\x85\xa0\u200b\u200d\u202e\u2028\ufeff"
    "\N{CYRILLIC SMALL LETTER A}\N{ARMENIAN CAPITAL LETTER AYB}\N{GRINNING FACE}"
)
SIGNS = "abcxyz019 _-+.,:;#'\"[]{}()&*!|>%@`~?/\\=$\n" + ODD
TRAPS: tuple[str, ...] = (
    *"NO no Yes on OFF y n ~ null Null NULL True TRUE true false False '' \"\" inf nan Infinity .inf -.Inf .nan .NaN".split(),
    *"010 0o17 0x1F 0b11 1_000 12:30:00 190:20 1:2.5 1e3 1E-3 1. .5 +1 -0 --1 1e400 1e-400 0.1.2 1,5 50% 1/2 =1+1".split(),
    *"2025-08-08 2025-08 2025-8-8 08.08.2025 2025-02-30 2025-13 2025 20250808 2025-08-08T00:00:00Z".split(),
    *"<< *a ${seed} $x$ ??? [] {} [[[]]] @x `x`".split(),
    *(
        "9" * 30,
        "1" + "0" * 5000,
        "- 1",
        "null and void",
        "true north",
        "1\xa0000",
        "\N{MINUS SIGN}1",
        "\N{VULGAR FRACTION ONE HALF}",
    ),
    *("\N{ARABIC-INDIC DIGIT THREE}", "\N{FULLWIDTH DIGIT THREE}", "!!int 3", "!!python/none x", "&a 1", "|\n    x", ">\n    x"),
    *("[1, 2]", "{a: 1}", "{x: {y: {z: 1}}}", r'"\e[31m"', r'"\0"', r'"\u202e"', r'"a\nb"', "'x\ty'"),
)
"""Values that YAML reads otherwise than they look, or that no setting accepts."""
ENTRIES = (
    *"[] {} x 5 null true [[]] [null] [1] [{}] [_self] [peace_deal] [/shock] [{'':x}]".split(),
    *("[{a: b}]", "[{/shock: x}]", "[{/shock: null}]", "[{/shock: {a: 1}}]", "[{/shock: [[x]]}]", "[{/shok: [peace_deal]}]"),
    *("[{shock: [peace_deal]}]", "[{/region: toy}]", "[{override /shock: [peace_deal]}]", "[{override /region: nowhere}]"),
    *("[{override region: toy}]", "[{overide /region: toy}]", "[{/shock: [peace_deal, peace_deal]}]", "[_self_, _self_]"),
    *("[{/shock@x: [peace_deal]}]", "[{optional /shock: [peace_deal]}]", "[{/shock: [../peace_deal]}]", "[{/hydra: x}]"),
    *("[{/shock: ['peace deal']}]", "[{/shock: [peace_deal.yaml]}]", "[{/: x}]", "[{a: 1, b: 2}]", "[{/shock: ['*']}]"),
    *("[{/shock: peace_deal}]", "[{/scenario: baseline}]", "[{'': x}]", "[{override /engine: dask}]", "['/shock: [x]']"),
    *("[{override /dynamics: [reference, no_peer_influence]}]", "[{/study: headline}]"),
)
"""Lists of defaults, most of them wrong."""


class Case(NamedTuple):
    """A mutated text, the kind of mutation and, for a typo, the original word and the misspelt one."""

    kind: str
    text: str
    word: str = ""
    typo: str = ""


class Outcome(NamedTuple):
    """The outcome of a case: accepted, refused, traceback or hang; the message, and the suggestion in it."""

    verdict: str
    said: str
    meant: str = ""
    seconds: float = 0.0
    """Processor time."""


class _Hang(BaseException):
    """Raised by the alarm; no handler of errors catches it."""


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(_number: int, _frame: object) -> None:
        raise _Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(said: Sequence[str], folder: Path | None) -> Outcome:
    """The outcome of the arguments and files of a command, up to the plan of its run."""
    begun = time.process_time()
    try:
        with _alarm(HANG):
            Plan(expand(said, folder))
        verdict, message, meant = "accepted", "", ""
    except SettingError as error:
        verdict, message, meant = "refused", str(error), error.meant
    except _Hang:
        verdict, message, meant = "hang", "", ""
    except Exception:  # this is a failure of the test
        verdict, message, meant = "traceback", traceback.format_exc(limit=-4), ""
    return Outcome(verdict, message, meant, time.process_time() - begun)


# R14 ------------------------------------------------------------------------------------------------------------------------

WORD = re.compile(r"[a-z][a-z_]{3,}")


def typo(word: str, by: random.Random) -> str:
    """A word with one letter removed, added or changed, or two swapped."""
    at, letter = by.randrange(len(word)), by.choice("abcdefghijklmnopqrstuvwxyz")
    made = by.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
        )
    )
    return made if made != word else word + letter


def _typo_of_word(text: str, by: random.Random, pattern: str) -> Case:
    """Misspell one name: a key, or the name of an actor or a file."""
    body = re.sub(r"#.*|\"[^\"]*\"|'[^']*'", lambda found: " " * len(found[0]), text)
    found = [one for one in re.finditer(pattern, body) if WORD.fullmatch(one[1])]
    if not found:
        return Case("as it is", text)
    one = by.choice(found)
    made = typo(one[1], by)
    return Case("typo", text[: one.start(1)] + made + text[one.end(1) :], one[1], made)


def _character(text: str, by: random.Random) -> Case:
    at, sign = by.randrange(len(text)), by.choice(SIGNS)
    how = by.randrange(4)
    if how == 0:
        return Case("letter taken", text[:at] + text[at + 1 :])
    if how == 1:
        return Case("letter put in", text[:at] + sign + text[at:])
    if how == 2:
        return Case("letter changed", text[:at] + sign + text[at + 1 :])
    return Case("letters swapped", text[:at] + text[at : at + 2][::-1] + text[at + 2 :])


def _value(text: str, by: random.Random) -> Case:
    """Replace a value by one of `TRAPS`."""
    found = list(re.finditer(r"(?<=: )[^\s,{}\[\]#][^,{}\[\]\n#]*", text))
    if not found:
        return Case("as it is", text)
    one = by.choice(found)
    return Case("value", text[: one.start()] + by.choice(TRAPS) + text[one.end() :])


def _lines(text: str, by: random.Random) -> Case:
    """Move, double, remove, indent or dedent a line, or turn its blanks into tabs."""
    lines = text.split("\n")
    at, other = by.randrange(len(lines)), by.randrange(len(lines))
    match by.randrange(8):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = " " * by.choice((1, 2, 4)) + lines[at]
        case 4:
            lines[at] = lines[at][by.choice((1, 2)) :]
        case 5:
            lines[at] = re.sub(r"^ +|(?<=:) |(?<=-) |(?<=,) ", "\t", lines[at])
        case 6:
            lines[at] = lines[at].partition(": ")[0] + ":"
        case _:
            lines.insert(at, by.choice(STRAYS))
    return Case("lines", "\n".join(lines))


def _whole(text: str, by: random.Random) -> Case:
    """Truncate or extend the text, or change its encoding or line ends."""
    ways: tuple[Callable[[], str], ...] = (
        lambda: text[: by.randrange(len(text))],
        lambda: text.replace("\n", "\r\n"),
        lambda: text.replace("\n", "\r"),
        lambda: "\ufeff" + text,
        lambda: text + "\ufeff",
        lambda: text + "\x00",
        lambda: text + "\nz: " + "[" * by.choice((5, 50, 5000)),
        lambda: text + "\nz: " + "x" * by.choice((10, 5000, 999_000)),
        lambda: text.replace(": ", ":\t", by.randrange(5)),
        lambda: "\n".join("  " + line for line in text.split("\n")),
        lambda: text + "\n" + text,
        lambda: re.sub(r"(?m)^# @package.*$", by.choice(("# @package x", "#@package _global_", "", "# @package")), text),
    )
    return Case("whole", by.choice(ways)())


def _entries(text: str, by: random.Random) -> Case:
    """Replace the list of defaults."""
    rest = re.sub(r"(?m)^defaults:.*\n(?:[ -].*\n)*", "", text)
    head = "# @package _global_\n" if "@package" in rest else ""
    return Case("defaults", f"{head}defaults: {by.choice(ENTRIES)}\n{rest.removeprefix(head)}")


STRAYS = ("---", "...", "%YAML 1.2", "- x", "? x", "extra: 1", "_x: 1", "_target_: canary", "hydra: {}")
"""Lines that belong in no config file."""
MUTATIONS: tuple[tuple[int, Callable[[str, random.Random], Case]], ...] = (
    (5, _character),
    (3, lambda text, by: _typo_of_word(text, by, r"(?:(?<=^)|(?<=[\s{,]))([a-z_]+)(?=:)")),
    (2, lambda text, by: _typo_of_word(text, by, r"(?<=[:\[,] )([a-z_]+)(?=[,\]}\n])")),
    (4, _value),
    (3, _lines),
    (1, _whole),
    (1, _entries),
)


def mutated(text: str, by: random.Random) -> Case:
    """A text with one mutation, sometimes two."""
    weights, ways = zip(*MUTATIONS, strict=True)
    case = by.choices(ways, weights)[0](text, by)
    if case.kind != "typo" and case.text and by.random() < 0.15:
        case = Case(f"{case.kind}, letter", _character(case.text, by).text)
    return case


def named(said: str, file: Path) -> bool:
    """Whether a refusal names a file with a key or a line of it, or a shipped file that conflicts with it."""
    first = said.splitlines()[0]
    _, found, rest = first.partition(f"{shown(file)}: ")
    if re.match(rf"(?:{'|'.join(GROUPS)})/\w+\.yaml: \w", first):
        return True
    key = rest.partition(":")[0]
    return bool(found) and bool(
        re.search(r"\bline \d", rest) or (key and key != "file") or re.match(r"file: (is|has|holds)\b", rest)
    )


def file_cases(here: Path, count: int, seed: int) -> Iterator[tuple[Path, Case, Outcome]]:
    """Mutated files of a user's folder, and the outcome of each."""
    by = random.Random(seed)
    for number in range(count):
        group, name, said = by.choice(SOURCES)
        text = (config_folder() / group / f"{name}.yaml").read_text("utf-8")
        case = mutated(text, by)
        folder = here / f"case-{number}"
        file = folder.resolve() / group / f"{name}.yaml"
        file.parent.mkdir(parents=True)
        file.write_bytes(case.text.encode("utf-8", "surrogatepass"))
        yield file, case, outcome(said, folder)
        file.unlink()
        file.parent.rmdir()
        folder.rmdir()


def files(here: Path, count: int, seed: int = 1) -> Finding:
    """Mutated config files: each is read, or refused with file and key or line, and for a typo with the right suggestion."""
    found: dict[str, int] = dict.fromkeys(("accepted", "refused", "traceback", "hang"), 0)
    unnamed, typos, right, slowest = 0, 0, 0, 0.0
    for file, case, one in file_cases(here, count, seed):
        found[one.verdict] += 1
        slowest = max(slowest, one.seconds)
        if one.verdict == "refused":
            unnamed += not named(one.said, file)
            if case.kind == "typo":
                typos += 1
                right += one.meant.rpartition(".")[2].lstrip("/") in (case.word, case.typo)
    share = 100 * right / typos if typos else 100.0
    said = (
        f"{count:,} mutated files: {found['accepted']:,} read, {found['refused']:,} refused, {unnamed} of them "
        f"without file and key or line, {found['traceback']} tracebacks, {found['hang']} that never ended; "
        f"{share:.1f} % of {typos:,} typos got the right suggestion; the slowest took {slowest:.1f} s"
    )
    return Finding(said, found["traceback"] + found["hang"] + unnamed + (share < 95))


COMMANDS = (
    ["region=toy", "dynamics.vigilance=0.5,1"],
    ["region=toy", "scenario=baseline", "seed=7", "replicates=20", "end=2024-01"],
    ["region=toy", "dynamics.vigilance=interval(0,2)", "design=sobol", "draws=4"],
    ["region=toy", "dynamics.vigilance=range(0,2,0.5)", "dynamics.relay=choice(0,1)", "design=grid"],
    ["region=toy", "region.states.north.alignment.east=0.3", "region.states.south.speed=0.2"],
    ["region=toy", "region.ties.north.south=-0.2,0.2", "record=summaries", "sample=ranges", "draws=3"],
    ["region=toy", "region.states.north.label='North, or so'", "out=outputs/x", "reference=baseline"],
    ["shock=[peace_deal,trade_opening]", "shock.peace_deal.effects.tie.size=0.4", "outcome=alignment.armenia.russia"],
    ["shock=[],[peace_deal],[trade_opening]", "~shock.peace_deal", "engine=local", "engine.workers=1"],
    ["scenario=peace_deal,trade_opening", "shock.peace_deal.probability=0.5"],
    ["study=headline", "replicates=10"],
    ["region=toy", "region.states.north.credibility={east:0.1,west:0.2}", "start=2022-01", "periods_per_year=12"],
)
"""Commands of the kinds that the documentation shows."""
PIECES = (
    *"= , [ ] { } ( ) ' \" \\ $ ${ ~ + ++ @ : / . .. # % * ? ! == a=b=c".split(),
    *"range( choice( interval( glob( sort( shuffle( int( float( str( bool( json_str( tag( extend_list(".split(),
    *"range(1,1e18) range(0,1,0) choice() interval(1,0) glob(*) sort(3,1) int(x) float([1]) [[[[ {a:{b:{c:1}}}".split(),
    *"null true nan -inf 1e999 0x1F 010 1_000 12:30 hydra.run.dir=x _target_=x hydra/launcher=x region@x=toy".split(),
    *"+x=1 ++seed=1 ~seed ~region seed".split(),
    *(" ", "a b", "\x1b[31m", "\n", "\u202e", "\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{ARMENIAN CAPITAL LETTER HO}"),
)
"""Texts that are put into overrides."""


def override_case(by: random.Random) -> tuple[list[str], int]:
    """A command with one override mutated: its overrides, and the index of that one."""
    said = list(by.choice(COMMANDS))
    at = by.randrange(len(said))
    text = said[at]
    how = by.randrange(7)
    place = by.randrange(len(text) + 1)
    if how == 0:
        text = text[:place] + by.choice(PIECES) + text[place:]
    elif how == 1:
        text = text[:place] + text[place + by.randint(1, 4) :]
    elif how == 2:
        text = text[:place] + by.choice(SIGNS) + text[place + 1 :]
    elif how == 3:
        words = list(re.finditer(r"[a-z_]{4,}", text))
        one = by.choice(words) if words else None
        text = text[: one.start()] + typo(one[0], by) + text[one.end() :] if one else text[::-1]
    elif how == 4:
        text = text.partition("=")[0] + "=" + by.choice((*TRAPS, *PIECES))
    elif how == 5:
        text = by.choice(PIECES) + by.choice(("", "=")) + text.partition("=")[2]
    else:
        text = text + by.choice((",", "=", " ")) + by.choice((*TRAPS, *PIECES, text))
    said[at] = text
    return said, at


def names_override(said: str, override: str) -> bool:
    """Whether a refusal names an override: its text or its key."""
    key = re.split(r"[=@]", override.lstrip("~+"))[0].strip()
    return shown(override) in said or (len(key) > 1 and key in said)


def overrides(here: Path, count: int, seed: int = 1) -> Finding:
    """Mutated overrides: each is read, or refused by name."""
    del here
    by = random.Random(seed)
    found: dict[str, int] = dict.fromkeys(("accepted", "refused", "traceback", "hang"), 0)
    unnamed, slowest = 0, 0.0
    for _ in range(count):
        said, at = override_case(by)
        one = outcome(said, None)
        found[one.verdict] += 1
        slowest = max(slowest, one.seconds)
        unnamed += one.verdict == "refused" and not any(names_override(one.said, word) for word in (said[at], *said))
    text = (
        f"{count:,} mutated overrides: {found['accepted']:,} read, {found['refused']:,} refused, {unnamed} without the override, "
        f"{found['traceback']} tracebacks, {found['hang']} that never ended; the slowest took {slowest:.1f} s"
    )
    return Finding(text, found["traceback"] + found["hang"] + unnamed)


# R15 ------------------------------------------------------------------------------------------------------------------------

NUMERAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
TOY = (config_folder() / "region" / "toy.yaml").read_text("utf-8")
FORMS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("mark of order of bytes", lambda text: "\ufeff" + text),
    ("CRLF", lambda text: text.replace("\n", "\r\n")),
    ("CR alone", lambda text: text.replace("\n", "\r")),
    ("tabs after colons", lambda text: text.replace(": ", ":\t")),
    ("tabs before keys", lambda text: re.sub(r"(?m)^  ", "\t", text)),
    ("no-break blanks", lambda text: text.replace(": ", ":\xa0")),
    ("a key twice", lambda text: text + "label: Other\n"),
    ("a key twice, in quotes", lambda text: text + '"label": Other\n'),
    ("a key of another alphabet", lambda text: text.replace("capability: 0.4", "c\N{CYRILLIC SMALL LETTER A}pability: 0.4")),
    ("a key in wide letters", lambda text: text.replace("speed: 0.5", "\N{FULLWIDTH LATIN SMALL LETTER S}peed: 0.5")),
    ("no blank after a colon", lambda text: text.replace("speed: 0.5", "speed:0.5")),
    ("two documents", lambda text: text + "---\n" + text),
    ("a next line hidden in a label", lambda text: text.replace("label: North", "label: Nor\u2028th")),
)
"""Transformations of a whole file: some keep its meaning, others only seem to."""


def meanings(here: Path, every: int = 1) -> Finding:
    """Values and files that YAML reads otherwise than they look: read as written, or refused; never changed silently."""
    wrong, read = 0, 0
    traps = TRAPS[::every]
    for number, trap in enumerate(traps):
        for place, text in (("capability: 0.4", "capability: "), ("label: North", "label: ")):
            config = _config_of(here / f"value-{number}-{text[:5]}", TOY.replace(place, text + trap, 1))
            if config is None:
                continue
            read += 1
            state = config.region.states["north"]
            if place.startswith("label"):
                wrong += state.label != (trap[1:-1] if trap[:1] in "'\"" else trap)
            else:
                wrong += not NUMERAL.fullmatch(trap) or state.capability != float(trap)
    [as_it_is] = {repr(_config_of(here / "as-it-is", TOY))}
    for name, way in FORMS:
        config = _config_of(here / name, way(TOY))
        read += config is not None
        wrong += config is not None and repr(config) != as_it_is
    count = 2 * len(traps) + len(FORMS)
    return Finding(f"{count} traps: {read} read as written, {count - read} refused, {wrong} changed", wrong)


def _config_of(folder: Path, text: str) -> Any:
    """The config of the toy region with this text; None where it is refused."""
    (folder / "region").mkdir(parents=True)
    (folder / "region" / "toy.yaml").write_bytes(text.encode())
    try:
        return expand(["region=toy"], folder)[0].config
    except SettingError:
        return None


# S4 -------------------------------------------------------------------------------------------------------------------------

SECONDS_MAX, BYTES_MAX = 1.0, 200_000_000
"""The seconds and bytes within which a bomb must be refused."""
GRID = ["dynamics.vigilance=range(0,1,0.0001)", "dynamics.relay=range(0,1,0.0001)", "dynamics.legacy=range(0,1,0.0001)"]
TEXT_BOMBS: tuple[tuple[str, Callable[[], str]], ...] = (
    (
        "aliases",
        lambda: (
            "a: &a [x,x]\n" + "\n".join(f"{chr(98 + at)}: &{chr(98 + at)} [*{chr(97 + at)},*{chr(97 + at)}]" for at in range(20))
        ),
    ),
    ("brackets", lambda: "a: " + "[" * 100_000),
    ("tables in tables", lambda: "a: " + "{a: " * 100_000),
    ("dashes", lambda: "- " * 100_000),
    ("turned in", lambda: "\n".join(" " * at + "a:" for at in range(1_300))),
    ("one line", lambda: "a: " + "x" * 999_000),
    ("one number", lambda: "a: " + "9" * 999_000),
    ("many keys", lambda: "\n".join(f"k{at}: 1" for at in range(90_000))),
    ("many items", lambda: "a: [" + "1," * 450_000 + "1]"),
    ("quotes", lambda: 'a: "' + "\\\\x41" * 200_000),
)
WORD_BOMBS: tuple[tuple[str, list[str]], ...] = (
    ("10^12 cells", ["region=toy", *GRID]),
    ("10^12 cells of draws", ["region=toy", *GRID[:2], "dynamics.legacy=interval(0,1)", "draws=1000000"]),
    ("a long range", ["region=toy", "dynamics.vigilance=range(0,1000000000000000000)"]),
    ("a fine range", ["region=toy", "dynamics.vigilance=range(0,1,0.000000000001)"]),
    ("replicates", ["region=toy", "replicates=1000000000000"]),
    ("draws", ["region=toy", "sample=ranges", "draws=1000000000000"]),
    ("brackets in an override", ["region=toy", "shock=" + "[" * 100_000]),
    ("a long override", ["region=toy", "dynamics.vigilance=" + "1," * 500_000 + "2"]),
    ("a long word", ["region=toy", "x" * 1_000_000 + "=1"]),
    ("many overrides", ["region=toy", *(f"dynamics.vigilance={at}" for at in range(100_000))]),
    ("many digits", ["region=toy", "seed=" + "9" * 19_000]),
)


def bombs(here: Path) -> Finding:
    """Short settings with large effects: each is refused within a second and 200 MB."""
    outcome(["region=toy"], None)
    cases = [(name, ["region=toy"], _bomb_file(here / name, make().encode())) for name, make in TEXT_BOMBS]
    sparse = _bomb_file(here / "sparse", b"")
    with (sparse / "region" / "toy.yaml").open("r+b") as file:
        file.truncate(1_000_000_000)
    cases += [("1 GB", ["region=toy"], sparse), *((name, said, None) for name, said in WORD_BOMBS)]
    wrong, slowest, most = 0, 0.0, 0
    for _name, said, folder in cases:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        one = outcome(said, folder)
        grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        slowest, most = max(slowest, one.seconds), max(most, grown)
        wrong += one.verdict != "refused" or one.seconds > SECONDS_MAX or grown > BYTES_MAX
    return Finding(f"{len(cases)} bombs refused, the slowest in {slowest:.2f} s, the greatest with {most / 1e6:.0f} MB more", wrong)


def bombs_in_settings(here: Path) -> Finding:
    """The same texts as the settings of a stranger's results folder, which `sim verify` reads."""
    folder = two_runs(here, "trajectories", 2, 2)[1]
    wrong, slowest, most = 0, 0.0, 0
    for _, make in TEXT_BOMBS:
        (folder / "config.yaml").write_text(make())
        before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        try:
            verify(folder, 1, 0)
            wrong += 1
        except SettingError:
            pass
        grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        slowest, most = max(slowest, time.process_time() - begun), max(most, grown)
        wrong += slowest > HANG or grown > BYTES_MAX
    said = f"{len(TEXT_BOMBS)} bombs as the settings of a folder refused, the slowest in {slowest:.2f} s"
    return Finding(f"{said}, the greatest with {most / 1e6:.0f} MB more", wrong)


def _bomb_file(folder: Path, raw: bytes) -> Path:
    (folder / "region").mkdir(parents=True)
    (folder / "region" / "toy.yaml").write_bytes(raw)
    return folder


# S5, S6 ---------------------------------------------------------------------------------------------------------------------

LONG = 60
"""The length from which a payload would hide the text after it."""
LABELS = (
    *(
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        " =1+1",
        "=cmd|' /C canary'!A0",
        "\uff1d1+1",
        "%0A=1+1",
        "<b>x</b>",
        "&amp;",
        "{{x}}",
        "#x",
    ),
    *(
        "$",
        "$x$",
        "$\\badcmd$",
        "$\\frac{1}{0}$",
        "$$$$",
        "a_b^c",
        "%",
        "100 %",
        "\\",
        "\\n",
        "^",
        "_x",
        "__x__",
        "{x}",
        "~",
        "#",
        "&",
    ),
    *(
        "\N{GRINNING FACE}",
        "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}",
        "e\u0301" * 30,
        "\u05e9\u05dc\u05d5\u05dd",
        "\u0645\u0631\u062d\u0628\u0627",
    ),
    *(
        "\u0540\u0561\u0575\u0561\u057d\u057f\u0561\u0576",
        "\u10e1\u10d0\u10e5",
        "\u4e2d\u56fd",
        "\u0928\u092e\u0938\u094d\u0924\u0947",
    ),
    *(
        "x" * 3000,
        "long words " * 300,
        "x" * 10_000,
        "a" + "\u0301" * 200,
        "\u200c",
        "\u00a0x",
        "\U0001f1e6\U0001f1f2",
        "'",
        '"',
        "`x`",
    ),
)
"""Visible labels that have a meaning for a spreadsheet, a formula, a web page or a font."""
HIDDEN = (
    "\x00",
    "\x07",
    "\x08",
    "\x1b[31m",
    "\x1b]0;x\x07",
    "\x7f",
    "\x85",
    "\x9b31m",
    "\n",
    "\r",
    "\t",
    "\x0b",
    "\u2028",
    "\u2029",
)
MARKS = (
    "\u202a",
    "\u202b",
    "\u202c",
    "\u202d",
    "\u202e",
    "\u2066",
    "\u2067",
    "\u2068",
    "\u2069",
    "\u200b",
    "\u200e",
    "\u200f",
    "\u2060",
    "\ufeff",
)
"""Invisible characters."""


def figures(every: int = 1) -> Finding:
    """Labels in every place of a figure: it is drawn, and each legend entry is as typed, cut where it is too long."""
    wrong, labels = 0, [*LABELS, *(f"x{hidden}y" for hidden in (*HIDDEN, *MARKS))][::every]
    for label in labels:
        legend = [(label, "#222222", "-"), ("Other", "#666666", "-")]
        figure, panels = sheet.sheet(
            [label], [label], sheet.Text(label, label, key=label, measure=label, below=label, legend=legend, entries=[label])
        )
        sheet.write(panels[0, 0], 0.5, 0.5, label)
        sheet.save(figure, io.BytesIO())  # pyright: ignore[reportArgumentType]
        words = [text.get_text() for text in figure.legends[0].get_texts()]
        wrong += words != [shown(sheet.fit(label)), "Other"] or any(unseen(word) for word in words)
    return Finding(f"{len(labels)} labels in 9 places of a sheet: all drawn, each entry of the legend complete", wrong)


def labels_refused(here: Path) -> Finding:
    """Invisible characters in labels of files and in overrides: refused, with the character escaped."""
    wrong = 0
    for number, hidden in enumerate((*HIDDEN, *MARKS)):
        quoted = json.dumps(f"Nor{hidden}th")
        for place in ("label: North", "label: Toy region", "label: East", "label: Direct road", "source: judgement"):
            folder = here / f"{number}-{place[7:]}"
            (folder / "region").mkdir(parents=True)
            key, _, _ = place.partition(":")
            (folder / "region" / "toy.yaml").write_text(TOY.replace(place, f"{key}: {quoted}", 1), encoding="utf-8")
            wrong += not _told(outcome(["region=toy"], folder), hidden)
        for word in (f"region.states.north.label='Nor{hidden}th'", f"out=a{hidden}b", f"x{hidden}=1", f"scenario=a{hidden}b"):
            wrong += not _told(outcome(["region=toy", word], None), hidden)
    count = 9 * len((*HIDDEN, *MARKS))
    return Finding(f"{count} labels and overrides with invisible characters: all refused, with the characters escaped", wrong)


def _told(one: Outcome, hidden: str) -> bool:
    return one.verdict == "refused" and not any(map(unseen, one.said.splitlines())) and shown(hidden[0]) in one.said


def outputs(here: Path, count: int) -> Finding:
    """A sweep whose labels all have one payload: no invisible character in its output or files, and no formula in a table."""
    wrong, cells = 0, 0
    for number, label in enumerate(LABELS[:count]):
        folder = here / str(number)
        (folder / "region").mkdir(parents=True)
        text = TOY
        for name in ("Toy region", "North", "South", "East", "West", "Direct road"):
            own = (
                f"{label} {name}" if len(label) < LONG else f"{name} {label}"
            )  # labels with the same beginning are refused as ambiguous
            text = text.replace(f"label: {name}", f"label: {json.dumps(own, ensure_ascii=False)}")
        (folder / "region" / "toy.yaml").write_text(text, encoding="utf-8")
        said = ["sweep", "region=toy", "dynamics.vigilance=0.5,1", "replicates=2", "end=2022-03", f"out={folder / 'out'}"]
        screen = io.StringIO()
        with redirect_stdout(screen), redirect_stderr(screen):
            code = run_command([*said, "--config-dir", str(folder)])
        wrong += (
            code != 0 or any(map(unseen, screen.getvalue().splitlines())) or max(map(len, screen.getvalue().splitlines())) > 2_000
        )
        for table in (folder / "out").rglob("*.csv"):
            with table.open(newline="", encoding="utf-8") as file:
                for cell in (cell for row in csv.reader(file) for cell in row):
                    cells += 1
                    wrong += bool(unseen(cell)) or (cell.lstrip()[:1] in set("=@+-") and not NUMERAL.fullmatch(cell))
    return Finding(f"{count} sweeps with such labels everywhere: {cells:,} cells of tables, none of them a formula", wrong)
