"""Faults put into words: config files and overrides mutated, traps of meaning, bombs; `experiments/trust.py` runs them.

Each function tries one row of `docs/trust.md` in a folder of its own and says how often, and how often it went wrong.
"""

import random
import re
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from experiments.faults import Finding
from sim.compose import expand
from sim.folders import config_folder
from sim.legible import shown
from sim.plans import Plan
from sim.refusal import SettingError

HANG = 10
"""Seconds after which a case counts as one that never ends."""
SOURCES = (
    ("region", "toy", ["region=toy"]),
    ("region", "south_caucasus", []),
    ("dynamics", "reference", ["region=toy"]),
    ("dynamics", "no_company", ["region=toy", "dynamics=no_company"]),
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
ODD = "\t\x00\x07\x1b\x7f\x85\xa0\u200b\u200d\u202e\u2028\ufeff\N{CYRILLIC SMALL LETTER A}\N{ARMENIAN CAPITAL LETTER AYB}\N{GRINNING FACE}"
SIGNS = "abcxyz019 _-+.,:;#'\"[]{}()&*!|>%@`~?/\\=$\n" + ODD
TRAPS: tuple[str, ...] = (
    *("NO", "no", "Yes", "on", "OFF", "y", "n", "~", "null", "Null", "NULL", "True", "TRUE", "true", "false", "False", "''", '""'),
    *("010", "0o17", "0x1F", "0b11", "1_000", "12:30:00", "190:20", "1:2.5", ".inf", "-.Inf", ".nan", ".NaN", "inf", "nan", "Infinity"),
    *("1e3", "1E-3", "1.", ".5", "+1", "-0", "- 1", "--1", "1e400", "1e-400", "9" * 30, "1" + "0" * 5000, "0.1.2", "1,5", "50%", "1/2", "½"),
    *("2025-08-08", "2025-08", "2025-8-8", "08.08.2025", "2025-02-30", "2025-13", "2025", "20250808", "2025-08-08T00:00:00Z"),
    *("٣", "３", "1\xa0000", "\u2212" + "1", "=1+1", "<<", "!!int 3", "!!python/none x", "&a 1", "*a", "${seed}", "$x$", "???", "|\n    x", ">\n    x"),
    *("[]", "{}", "[1, 2]", "{a: 1}", "[[[]]]", "{x: {y: {z: 1}}}", '"\\e[31m"', '"\\0"', '"\\u202e"', '"a\\nb"', "'x\ty'", "@x", "`x`"),
)
"""Values that mean something else than they look, or nothing that a setting takes."""
ENTRIES = (
    *("[]", "{}", "x", "5", "null", "true", "[[]]", "[null]", "[1]", "[{}]", "[{a: b}]", "[{/shock: x}]", "[{/shock: null}]"),
    *("[{/shock: {a: 1}}]", "[{/shock: [[x]]}]", "[{/shok: [peace_deal]}]", "[{shock: [peace_deal]}]", "[{/region: toy}]"),
    *("[{override /shock: [peace_deal]}]", "[{override /region: nowhere}]", "[{override region: toy}]", "[{overide /region: toy}]"),
    *("[{/shock: [peace_deal, peace_deal]}]", "[{/shock@x: [peace_deal]}]", "[{optional /shock: [peace_deal]}]", "[_self_, _self_]"),
    *("[{/shock: [../peace_deal]}]", "[{/shock: ['peace deal']}]", "[{/shock: [peace_deal.yaml]}]", "[{/hydra: x}]", "[{/: x}]"),
    *("[{a: 1, b: 2}]", "[_self]", "[{/shock: ['*']}]", "[{/shock: peace_deal}]", "[{/scenario: baseline}]", "[peace_deal]", "[{'': x}]"),
    *("[{override /engine: dask}]", "[{override /dynamics: [reference, no_company]}]", "[{/study: headline}]", "[/shock]", "['/shock: [x]']"),
)
"""Lists of defaults, most of them wrong."""


class Case(NamedTuple):
    """A mutated text with what was done to it, and the word that a typo was made of."""

    kind: str
    text: str
    word: str = ""
    typo: str = ""


class Outcome(NamedTuple):
    """What became of a case: accepted, refused, a traceback, or no end; and the message."""

    verdict: str
    said: str
    meant: str = ""
    seconds: float = 0.0


class _Hang(BaseException):
    """Raised by the alarm, so that no handler of errors takes it."""


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
    """What a command makes of its words and files, up to the plan of its run."""
    begun = time.perf_counter()
    try:
        with _alarm(HANG):
            Plan(expand(said, folder))
        verdict, message, meant = "accepted", "", ""
    except SettingError as error:
        verdict, message, meant = "refused", str(error), error.meant
    except _Hang:
        verdict, message, meant = "hang", "", ""
    except Exception:  # what is looked for
        verdict, message, meant = "traceback", traceback.format_exc(limit=-4), ""
    return Outcome(verdict, message, meant, time.perf_counter() - begun)


# R14 ------------------------------------------------------------------------------------------------------------------------

WORD = re.compile(r"[a-z][a-z_]{3,}")


def typo(word: str, by: random.Random) -> str:
    """A word with one letter less, more, other, or two that changed places."""
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
    """One name with a typo: a key, or the name of an actor or a file."""
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
    """A value replaced by a trap."""
    found = list(re.finditer(r"(?<=: )[^\s,{}\[\]#][^,{}\[\]\n#]*", text))
    if not found:
        return Case("as it is", text)
    one = by.choice(found)
    return Case("value", text[: one.start()] + by.choice(TRAPS) + text[one.end() :])


def _lines(text: str, by: random.Random) -> Case:
    """A line moved, doubled, left out, turned in or out, or its blanks made tabs."""
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
            lines.insert(at, by.choice(("---", "...", "%YAML 1.2", "- x", "? x", "extra: 1", "_x: 1", "_target_: os.system", "hydra: {}")))
    return Case("lines", "\n".join(lines))


def _whole(text: str, by: random.Random) -> Case:
    """The text cut, in another encoding, with other ends of lines, or grown."""
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
    """Another list of defaults."""
    rest = re.sub(r"(?m)^defaults:.*\n(?:[ -].*\n)*", "", text)
    head = "# @package _global_\n" if "@package" in rest else ""
    return Case("defaults", f"{head}defaults: {by.choice(ENTRIES)}\n{rest.removeprefix(head)}")


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
    """A text with one thing wrong, now and then two."""
    weights, ways = zip(*MUTATIONS, strict=True)
    case = by.choices(ways, weights)[0](text, by)
    if case.kind != "typo" and case.text and by.random() < 0.15:
        case = Case(f"{case.kind}, letter", _character(case.text, by).text)
    return case


def named(said: str, file: Path) -> bool:
    """Whether a refusal names a file with a key or a line of it."""
    first = said.splitlines()[0]
    _, found, rest = first.partition(f"{shown(file)}: ")
    key = rest.partition(":")[0]
    return bool(found) and bool(re.search(r"\bline \d", rest) or (key and key != "file") or re.match(r"file: (is|has|holds)\b", rest))


def file_cases(here: Path, count: int, seed: int) -> Iterator[tuple[Path, Case, Outcome]]:
    """So many mutated files of a user's folder, and what a command makes of each."""
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
    """Mutated config files: each is read, or refused by file and key or line, with the word that a typo was made of."""
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
        f"{count:,} mutated files: {found['accepted']:,} read, {found['refused']:,} refused, {unnamed} of them without file and key or "
        f"line, {found['traceback']} tracebacks, {found['hang']} without end; {share:.1f} % of {typos:,} typos got the right word; the "
        f"slowest took {slowest:.1f} s"
    )
    return Finding(said, found["traceback"] + found["hang"] + unnamed + (share < 95))


COMMANDS = (
    ["region=toy", "dynamics.vigilance=0.5,1"],
    ["region=toy", "scenario=baseline", "seed=7", "replicates=20", "end=2024-01"],
    ["region=toy", "dynamics.vigilance=interval(0,2)", "design=sobol", "draws=4"],
    ["region=toy", "dynamics.vigilance=range(0,2,0.5)", "dynamics.relay=choice(0,1)", "design=grid"],
    ["region=toy", "region.states.north.alignment.east=0.3", "region.states.south.speed=0.2"],
    ["region=toy", "region.ties.north.south=-0.2,0.2", "keep=summaries", "sample=ranges", "draws=3"],
    ["region=toy", "region.states.north.label='North, or so'", "out=outputs/x", "reference=baseline"],
    ["shock=[peace_deal,trade_opening]", "shock.peace_deal.effects.tie.size=0.4", "outcome=alignment.armenia.russia"],
    ["shock=[],[peace_deal],[trade_opening]", "~shock.peace_deal", "engine=local", "engine.workers=1"],
    ["scenario=peace_deal,trade_opening", "shock.peace_deal.probability=0.5"],
    ["study=headline", "replicates=10"],
    ["region=toy", "region.states.north.credibility={east:0.1,west:0.2}", "start=2022-01", "periods_per_year=12"],
)
"""Commands as the pages show them."""
PIECES = (
    *("=", ",", "[", "]", "{", "}", "(", ")", "'", '"', "\\", "$", "${", "~", "+", "++", "@", ":", "/", ".", "..", " ", "#", "%", "*", "?", "!"),
    *("range(", "choice(", "interval(", "glob(", "sort(", "shuffle(", "int(", "float(", "str(", "bool(", "json_str(", "tag(", "extend_list("),
    *("range(1,1e18)", "range(0,1,0)", "choice()", "interval(1,0)", "glob(*)", "sort(3,1)", "int(x)", "float([1])", "[[[[", "{a:{b:{c:1}}}"),
    *("null", "true", "nan", "-inf", "1e999", "0x1F", "010", "1_000", "12:30", "Հայաստան", "é", "日本", "\x1b[31m", "\n", "\u202e", "a b"),
    *("hydra.run.dir=x", "_target_=x", "hydra/launcher=x", "region@x=toy", "+x=1", "++seed=1", "~seed", "~region", "seed", "=", "==", "a=b=c"),
)
"""What overrides are mutated with."""


def override_case(by: random.Random) -> tuple[list[str], int]:
    """A command with one override mutated: its words, and which one."""
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
        f"{count:,} mutated overrides: {found['accepted']:,} read, {found['refused']:,} refused, {unnamed} of them without the override, "
        f"{found['traceback']} tracebacks, {found['hang']} without end; the slowest took {slowest:.1f} s"
    )
    return Finding(text, found["traceback"] + found["hang"] + unnamed)


def plain(value: Any) -> str:
    """A value as one line, for reading by eye."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True).strip()
