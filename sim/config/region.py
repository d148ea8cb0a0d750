"""Who is there, as typed dataclasses: states, blocs, routes and what they hold, with the evidence for each number.

The numbers are in configs/region/, the limits in `sim.names`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Evidence:
    """What is known of a number: its plausible range, unit and source ('judgement' where it is ours)."""

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
    """A bloc or great power that courts by rule."""

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
    """A way for traffic between two states, perhaps through others, with the share of it that is permitted."""

    label: str
    ends: list[str]
    via: list[str]
    permit: float


PairTable = dict[str, dict[str, float]]
"""A table of pairs: given once it holds both ways, given both ways it is directed (ties and proximity only)."""

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
"""Tables of a state over blocs, and the quantity each holds."""
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
"""Quantities of pairs that may differ one way and the other."""


@dataclass
class Region:
    """Who is there, how they stand at the opening instant `as_of`, and the evidence for each number."""

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
    """Between whom measures take standing with both for taking no side, where that is not as at the opening."""
    routes: dict[str, Route] = field(default_factory=dict)
    evidence: Any = field(default_factory=dict)


def told(region: Region) -> dict[str, str]:
    """What tables and figures call a region and its actors, and their colours, by dotted path: a run has one of each."""
    words = {"region.label": region.label} | {f"region.states.{name}.label": state.label for name, state in region.states.items()}
    for name, bloc in region.blocs.items():
        words |= {f"region.blocs.{name}.label": bloc.label, f"region.blocs.{name}.colour": bloc.colour}
    return words


def called(actors: Mapping[str, State] | Mapping[str, Bloc] | Mapping[str, Route]) -> dict[str, str]:
    """What people call actors or routes, by their names."""
    return {name: actor.label for name, actor in actors.items()}
