"""Suggestions for misspelt names: the known name that was likely meant."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping

from sim.config.countries import COUNTRIES

RETIRED = {
    "keep": "record",
    "worlds": "trajectories",
    "parts": "decomposition",
    "company": "peer_influence",
    "no_company": "no_peer_influence",
    "world": "replicate",
}
"""Settings, values and files that were renamed before the first release, with their current names."""


def renewed(override: str) -> str:
    """An override of an earlier version in the current names of settings, values and files.

    >>> renewed("keep=worlds,parts"), renewed("+region.states.north.company=0.1"), renewed("dynamics=reference,no_company")
    ('record=trajectories,decomposition', '+region.states.north.peer_influence=0.1', 'dynamics=reference,no_peer_influence')
    >>> renewed("region.blocs.world={company: 0.1}"), renewed("reference='no_company, company=0.5'")
    ('region.blocs.world={company: 0.1}', "reference='no_peer_influence, peer_influence=0.5'")
    """
    key, sign, value = override.partition("=")
    path = key.lstrip("+~").split(".")
    if path == ["keep"]:
        path, value = [RETIRED["keep"]], re.sub(r"\b(?:worlds|parts)\b", lambda found: RETIRED[found[0]], value)
    elif path[0] == "dynamics" or path[:2] == ["region", "states"]:
        number = 1 if path[0] == "dynamics" else 3
        path[number:] = [RETIRED["company"] if name == "company" else name for name in path[number:]]
        value = re.sub(r"\bno_company\b|\bcompany(?=\s*:)", lambda found: RETIRED[found[0]], value)
    elif path == ["reference"]:
        value = re.sub(r"\bno_company\b|\bcompany(?==)", lambda found: RETIRED[found[0]], value)
    return key[: len(key) - len(key.lstrip("+~"))] + ".".join(path) + sign + value


def likely(word: str, known: Iterable[str] | Mapping[str, str], cutoff: float = 0.5) -> str:
    """The known name that was likely meant; empty where none has a similarity of at least `cutoff`, from 0 to 1.

    Recognised are other cases, the label (where `known` maps names to labels), initials, the ISO 3166 code or name of a country,
    and misspellings.

    >>> likely("armenai", ["armenia", "georgia"]), likely("ARM", ["armenia", "georgia"]), likely("European Union", ["eu", "un"])
    ('armenia', 'armenia', 'eu')
    """
    names = known if isinstance(known, Mapping) else {name: name for name in known}
    spelt = {_plain(label).partition(" (")[0]: name for name, label in names.items()} | {_plain(name): name for name in names}
    if RETIRED.get(word) in names:
        return RETIRED[word]
    typed = _plain(word)
    country = _plain(COUNTRIES.get(word.strip().upper(), word))
    inside = next((name for name, label in names.items() if country in _COUNTRY_NAMES and country in _plain(label)), "")
    near = spelt.get(typed) or spelt.get(country) or inside or spelt.get("".join(part[0] for part in typed.split()))
    if near:
        return near
    close = difflib.get_close_matches(typed, list(spelt), n=3, cutoff=cutoff)
    return spelt[min(close, key=lambda other: not _one_edit(typed, other))] if close else ""


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", str(word)).casefold().replace("_", " ").strip()


_COUNTRY_NAMES = frozenset(map(_plain, COUNTRIES.values()))


def _one_edit(one: str, other: str) -> bool:
    """Whether two words differ by one letter inserted, deleted or replaced, or by two neighbours exchanged."""
    start = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other)))
    tail, rest = one[start:], other[start:]
    changed = len(tail) > 1 and len(rest) > 1 and tail[1::-1] + tail[2:] == rest
    return tail[1:] == rest[1:] or tail[1:] == rest or tail == rest[1:] or changed
