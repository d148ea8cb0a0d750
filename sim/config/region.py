"""The settings of a region as typed dataclasses: states, blocs, routes, pairs, and the evidence for each number.

The numbers are in configs/region/, their limits in `sim.names`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Evidence:
    """The evidence for a number: its plausible range, unit and source ('judgement' where it is the authors' own)."""

    low: float
    high: float
    unit: str
    source: str


@dataclass
class State:
    """A country that is courted."""

    label: str
    capability: float
    speed: float
    volatility: float
    alignment: dict[str, float]
    credibility: dict[str, float]
    access: dict[str, float]
    stubbornness: dict[str, float]
    exclusivity: float = 0.0
    peer_influence: float = 0.0
    readiness: dict[str, float] = field(default_factory=dict)
    legacy: dict[str, float] = field(default_factory=dict)
    credibility_target: dict[str, float] = field(default_factory=dict)
    gateway: dict[str, float] = field(default_factory=dict)
    external_threat: dict[str, float] = field(default_factory=dict)
    same_as: str = ""
    member_of: list[str] = field(default_factory=list)


@dataclass
class Bloc:
    """A bloc or great power that courts states; its effort follows the rules."""

    label: str
    colour: str
    capability: float
    salience: float
    military: float
    economic: float
    reserve: float
    priority: dict[str, float]
    vigilance: float = 0.0
    coerciveness: float = 0.0
    deterrence: float = 0.0
    relay: float = 0.0
    unrest: float = 0.0
    strain_war: float = 0.0
    strain_home: float = 0.0
    red_line: dict[str, float] = field(default_factory=dict)
    buffer: list[str] = field(default_factory=list)


@dataclass
class Route:
    """A route for traffic between two states, perhaps through others, with the share of traffic that is permitted."""

    label: str
    ends: list[str]
    via: list[str]
    permit: float


PairTable = dict[str, dict[str, float]]
"""A table of pairs. A number given for one direction holds for both; given for both, it is directed (ties and proximity only)."""

STATE_TABLES = {
    "alignment": "alignment",
    "credibility": "credibility",
    "access": "access",
    "stubbornness": "stubbornness",
    "readiness": "readiness",
    "legacy": "legacy",
    "credibility_target": "credibility_target",
    "gateway": "gateway",
    "external_threat": "external_threat",
}
"""Tables of a state by bloc, and the quantity in each."""
FULL_STATE_TABLES = ("alignment", "credibility", "access", "stubbornness")
STATE_NUMBERS = {
    "capability": "state_capability",
    "speed": "speed",
    "volatility": "volatility",
    "exclusivity": "exclusivity",
    "peer_influence": "peer_influence",
}
BLOC_NUMBERS = {
    "capability": "bloc_capability",
    "salience": "salience",
    "military": "military",
    "economic": "economic",
    "vigilance": "vigilance",
    "reserve": "reserve",
    "coerciveness": "coerciveness",
    "deterrence": "deterrence",
    "relay": "relay",
    "unrest": "unrest",
    "strain_war": "strain_war",
    "strain_home": "strain_home",
}
BLOC_TABLES = {"priority": "priority", "red_line": "red_line"}
PAIR_TABLES = {
    "ties": ("tie", "states"),
    "roads": ("road", "states"),
    "proximity": ("proximity", "states"),
    "relations": ("relation", "blocs"),
    "relation_floor": ("relation_floor", "blocs"),
    "calming": ("calming", "blocs"),
    "measured_relations": ("measured_relation", "blocs"),
}
DIRECTED = ("tie", "proximity")
"""Quantities of pairs that may differ by direction."""


@dataclass
class Region:
    """The actors of a region, their stocks at the opening instant `as_of`, and the evidence for each number."""

    name: str
    label: str
    as_of: str
    states: dict[str, State]
    blocs: dict[str, Bloc]
    ties: PairTable
    relations: PairTable
    roads: PairTable = field(default_factory=dict)
    proximity: PairTable = field(default_factory=dict)
    relation_floor: PairTable = field(default_factory=dict)
    calming: PairTable = field(default_factory=dict)
    measured_relations: PairTable = field(default_factory=dict)
    """The relations that measures use, where these are not the opening relations."""
    routes: dict[str, Route] = field(default_factory=dict)
    evidence: Any = field(default_factory=dict)


def labels_and_colours(region: Region) -> dict[str, str]:
    """The labels of a region and its actors, and the colours of blocs, by dotted path."""
    found = {"region.label": region.label} | {f"region.states.{name}.label": state.label for name, state in region.states.items()}
    for name, bloc in region.blocs.items():
        found |= {f"region.blocs.{name}.label": bloc.label, f"region.blocs.{name}.colour": bloc.colour}
    return found


def called(actors: Mapping[str, State] | Mapping[str, Bloc] | Mapping[str, Route]) -> dict[str, str]:
    """The labels of actors or routes, by their names."""
    return {name: actor.label for name, actor in actors.items()}
