"""Which of some known words a person likely meant."""

import difflib
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
"""Settings, values and files that were called otherwise before the first release, with what they are called now."""


def renewed(override: str) -> str:
    """An override in the words of today.

    >>> renewed("keep=parts"), renewed("region.states.north.company=0.1"), renewed("seed=1")
    ('record=decomposition', 'region.states.north.peer_influence=0.1', 'seed=1')
    """
    key, sign, value = override.partition("=")
    path = key.split(".")
    path[0], path[-1] = RETIRED.get(path[0], path[0]), RETIRED.get(path[-1], path[-1])
    return ".".join(path) + sign + (RETIRED.get(value, value) if path[0] in ("record", "dynamics") else value)


def likely(word: str, known: Iterable[str] | Mapping[str, str], cutoff: float = 0.5) -> str:
    """The known word that was likely meant, or nothing where none shares the part `cutoff`, 0 to 1, of its letters.

    It is typed in other cases, as its label (where `known` maps words to labels), by its initials, by the ISO 3166 code of a
    country, or misspelt.

    >>> likely("armenai", ["armenia", "georgia"]), likely("ARM", ["armenia", "georgia"]), likely("European Union", ["eu", "un"])
    ('armenia', 'armenia', 'eu')
    """
    names = known if isinstance(known, Mapping) else {name: name for name in known}
    spelt = {_plain(label).partition(" (")[0]: name for name, label in names.items()} | {_plain(name): name for name in names}
    if RETIRED.get(word) in names:
        return RETIRED[word]
    said = _plain(word)
    country = _plain(COUNTRIES.get(word.strip().upper(), word))
    inside = next((name for name, label in names.items() if country in _COUNTRY_NAMES and country in _plain(label)), "")
    near = spelt.get(said) or spelt.get(country) or inside or spelt.get("".join(part[0] for part in said.split()))
    if near:
        return near
    close = difflib.get_close_matches(said, list(spelt), n=3, cutoff=cutoff)
    return spelt[min(close, key=lambda other: not _one_edit(said, other))] if close else ""


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", str(word)).casefold().replace("_", " ").strip()


_COUNTRY_NAMES = frozenset(map(_plain, COUNTRIES.values()))


def _one_edit(one: str, other: str) -> bool:
    """Whether a letter more, less or other, or two that changed places, make one word of the other."""
    start = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other)))
    tail, rest = one[start:], other[start:]
    changed = len(tail) > 1 and len(rest) > 1 and tail[1::-1] + tail[2:] == rest
    return tail[1:] == rest[1:] or tail[1:] == rest or tail == rest[1:] or changed
