"""The vocabulary: axes, unit, range and label of every quantity, defined once for configs, results, figures and documents.

Every array is a matrix in the plane of its last two axes: a number per state is a column (state, 1), a number per bloc a row
(1, bloc), a scalar (1, 1). Batch axes (variant, replicate) lead, so that one rule serves one agent and many replicates.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

STATE, PEER, BLOC, RIVAL, ROUTE = "state", "peer", "bloc", "rival", "route"
VARIANT, REPLICATE, TIME, PERIOD = "variant", "replicate", "time", "period"
STATISTIC = "statistic"
INSTANTS = "datetime64[s]"
"""The data type of instants: seconds represent the years 0001 to 9999, nanoseconds only 1678 to 2262."""
MOVE, CONTRIBUTION = "move", "contribution"
"""The variable with the contributions to each change of alignment, and its axis of contributions."""
BUFFERS = "buffers"
"""The coordinate of variants with the states that each bloc regards as its buffer, as a JSON list of [state, bloc]."""
DRAWN = "drawn"
"""The coordinate of variants with the index of their table of drawn numbers, in the attribute of the same name."""

STATE_BLOC = (STATE, BLOC)
STATE_PEER = (STATE, PEER)
BLOC_RIVAL = (BLOC, RIVAL)

Kind = Literal["stock", "flow", "parameter", "scalar", "weight", "measure"]


@dataclass(frozen=True)
class Quantity:
    """One quantity of the model: its name, label, axes, unit and range."""

    name: str
    label: str
    dims: tuple[str, ...]
    unit: str
    low: float
    high: float
    kind: Kind
    weight: str = ""
    """The weight of a mechanism in `dynamics` that multiplies it, if any."""
    open_ends: bool = False
    """True where the ends of the range are excluded."""
    whole: bool = False
    shockable: bool = True

    @property
    def symmetric(self) -> bool:
        """Whether a shock on the pair (one, other) is also a shock on (other, one)."""
        return self.name in SYMMETRIC

    @property
    def per_period(self) -> bool:
        """Whether it belongs to a period, recorded at its start, and not to an instant."""
        return self.kind == "flow" or self.name == "bridge"

    @property
    def least(self) -> float:
        """The lowest number that shocks can lead to: the low end, or just above it where it is excluded."""
        return self.low + NEXT_TO if self.open_ends else self.low

    @property
    def allowed(self) -> str:
        """The range as text for messages, as in '[0, 1]'."""
        left, right = "()" if self.open_ends else "[]"
        high = f"{self.high:g}{right}" if self.high < INFINITE else "infinity)"
        low = f"{left}{self.low:g}" if self.low > -INFINITE else "(-infinity"
        return f"{low}, {high}"


INFINITE = float("inf")
NEXT_TO = 1e-9
"""The distance that shocks leave to an excluded end of a range."""
STRAIN_MAX = 0.95
"""The highest strain and external threat, so that a bloc never vanishes and a threat never divides by zero."""
SYMMETRIC = frozenset({"tie", "road", "relation", "relation_floor", "road_capacity", "calming"})

_TABLE: tuple[Quantity, ...] = (
    # Stocks: values at an instant.
    Quantity("alignment", "Alignment", STATE_BLOC, "alignment", -1, 1, "stock", open_ends=True, shockable=False),
    Quantity("disposition", "Disposition", STATE_BLOC, "disposition", -INFINITE, INFINITE, "stock"),
    Quantity("legacy", "Legacy", STATE_BLOC, "alignment", -INFINITE, INFINITE, "stock"),
    Quantity("tie", "Tie", STATE_PEER, "tie", -1, 1, "stock"),
    Quantity("credibility", "Credibility", STATE_BLOC, "share", 0, 1, "stock"),
    Quantity("access", "Trade access", STATE_BLOC, "share of trade", 0, INFINITE, "stock"),
    Quantity("road", "Road", STATE_PEER, "share of traffic", 0, 1, "stock"),
    Quantity("readiness", "Readiness", STATE_BLOC, "share", 0, 1, "stock"),
    Quantity("relation", "Relation", BLOC_RIVAL, "relation", -1, 1, "stock"),
    Quantity("strain_war", "Strain by war", (BLOC,), "share of means", 0, STRAIN_MAX, "stock"),
    Quantity("strain_home", "Strain at home", (BLOC,), "share of means", 0, STRAIN_MAX, "stock"),
    # Flows: values over the period after the instant.
    Quantity("effort", "Effort", STATE_BLOC, "capability", 0, INFINITE, "flow"),
    Quantity("threat", "Threat", STATE_BLOC, "share", 0, 1, "flow"),
    Quantity("protection", "Share of protection", STATE_BLOC, "share", 0, 1, "flow"),
    Quantity("dependence", "Dependence", STATE_BLOC, "share", 0, 1, "flow"),
    Quantity("traffic", "Traffic", STATE_PEER, "share of traffic", 0, 1, "flow"),
    # Measures: statistics of a run at an instant; nothing in the model depends on them.
    Quantity("influence", "Share of influence", (BLOC,), "share", 0, 1, "measure", shockable=False),
    Quantity("sphere", "Strength of the sphere", (BLOC,), "share", 0, 1, "measure", shockable=False),
    Quantity("hedging", "Hedging", (STATE,), "share", 0, 1, "measure", shockable=False),
    Quantity("realigned", "Realigned", (STATE,), "0 or 1", 0, 1, "measure", whole=True, shockable=False),
    Quantity("similarity", "Similarity of stance", STATE_PEER, "S score", -1, 1, "measure", shockable=False),
    Quantity("polarisation", "Polarisation", (), "share", 0, 1, "measure", shockable=False),
    Quantity("balance", "Balance of triads", (), "share", -1, 1, "measure", shockable=False),
    Quantity("bridge", "Bridge index", (), "index", -1, 1, "measure", shockable=False),
    # Parameters of blocs.
    Quantity("bloc_capability", "Capability", (BLOC,), "capability", 0, INFINITE, "parameter"),
    Quantity("salience", "Salience of the region", (BLOC,), "share", 0, 1, "parameter"),
    Quantity("military", "Military weight", (BLOC,), "per effort", 0, INFINITE, "parameter"),
    Quantity("economic", "Economic weight", (BLOC,), "exponent", 0, INFINITE, "parameter"),
    Quantity("vigilance", "Vigilance", (BLOC,), "per alignment", 0, INFINITE, "parameter", "vigilance"),
    Quantity("reserve", "Reserve", (BLOC,), "weight", 0, INFINITE, "parameter"),
    Quantity("coerciveness", "Coerciveness", (BLOC,), "per alignment", 0, 0.5, "parameter", "coercion"),
    Quantity("deterrence", "Deterrence", (BLOC,), "share", 0, INFINITE, "parameter", "deterrence"),
    Quantity("relay", "Relay", (BLOC,), "share", 0, INFINITE, "parameter", "relay"),
    Quantity("unrest", "Unrest", (BLOC,), "per alignment", 0, INFINITE, "parameter", "unrest"),
    # Parameters of states.
    Quantity("state_capability", "Capability", (STATE,), "capability", 0, INFINITE, "parameter", open_ends=True),
    Quantity("speed", "Speed", (STATE,), "disposition per year", 0, INFINITE, "parameter"),
    Quantity("volatility", "Volatility", (STATE,), "disposition per square root of year", 0, INFINITE, "parameter"),
    Quantity("exclusivity", "Exclusivity", (STATE,), "per alignment", 0, INFINITE, "parameter", "exclusivity"),
    Quantity("peer_influence", "Peer influence", (STATE,), "per alignment", 0, INFINITE, "parameter", "peer_influence"),
    # Parameters of a state and a bloc.
    Quantity("priority", "Priority", STATE_BLOC, "share", 0, INFINITE, "parameter"),
    Quantity("stubbornness", "Stubbornness", STATE_BLOC, "per alignment", 0, INFINITE, "parameter", open_ends=True),
    Quantity("red_line", "Red line", STATE_BLOC, "alignment", -1, 1, "parameter"),
    Quantity("gateway", "Gateway", STATE_BLOC, "share of trade per traffic", 0, INFINITE, "parameter", "trade"),
    Quantity("external_threat", "External threat", STATE_BLOC, "share", 0, STRAIN_MAX, "parameter"),
    Quantity("programme", "Programme", STATE_BLOC, "size", 0, INFINITE, "parameter"),
    Quantity("buffer", "Buffer", STATE_BLOC, "0 or 1", 0, 1, "parameter", whole=True, shockable=False),
    Quantity("credibility_target", "Credibility target", STATE_BLOC, "share", 0, 1, "parameter", shockable=False),
    # Parameters of pairs and routes.
    Quantity("proximity", "Proximity", STATE_PEER, "share", 0, 1, "parameter"),
    Quantity("road_capacity", "Capacity of the road", STATE_PEER, "share of traffic", 0, 1, "parameter"),
    Quantity("relation_floor", "Relation floor", BLOC_RIVAL, "relation", -1, 1, "parameter"),
    Quantity("calming", "Calming", BLOC_RIVAL, "relation per tie", 0, INFINITE, "parameter"),
    Quantity("measured_relation", "Relation that measures take", BLOC_RIVAL, "relation", -1, 1, "parameter", shockable=False),
    Quantity("permit", "Permit of the route", (ROUTE,), "share of traffic", 0, 1, "parameter"),
    # Scalars of the dynamics.
    Quantity("decisiveness", "Decisiveness", (), "exponent", 0, INFINITE, "scalar", open_ends=True, shockable=False),
    Quantity("outside", "Share of protection that goes to nobody", (), "share", 0, 0.99, "scalar", shockable=False),
    Quantity("security_weight", "Weight of security against the economy", (), "share", 0, 1, "scalar", shockable=False),
    Quantity("threat_floor", "Value of protection without threat", (), "share", 0, 1, "scalar", shockable=False),
    Quantity("doubt_strength", "Doubt per strain", (), "share per strain", 0, 1, "scalar", "doubt", shockable=False),
    Quantity("readiness_bonus", "Readiness bonus", (), "share", 0, INFINITE, "scalar", "readiness", shockable=False),
    Quantity("exit_cost_strength", "Exit cost", (), "per alignment", 0, INFINITE, "scalar", "exit_cost", shockable=False),
    Quantity("trade_makes_peace", "Tie per traffic", (), "tie per traffic", 0, INFINITE, "scalar", "trade", shockable=False),
    Quantity("transit_gain", "Transit gain", (), "share", 0, INFINITE, "scalar", shockable=False),
    Quantity("retention", "Retention of history", (), "share", 0, 0.5, "scalar", shockable=False),
    Quantity("learning", "Learning rate", (), "per year", 0, INFINITE, "scalar", shockable=False),
    Quantity("tie_rate", "Rate of ties", (), "per year", 0, INFINITE, "scalar", shockable=False),
    Quantity("credibility_rate", "Rate of credibility", (), "per year", 0, INFINITE, "scalar", shockable=False),
    Quantity("access_rate", "Rate of access", (), "per year", 0, INFINITE, "scalar", shockable=False),
    Quantity("road_rate", "Rate of roads", (), "per year", 0, INFINITE, "scalar", shockable=False),
    Quantity("readiness_rate_up", "Rate of readiness, up", (), "per year", 0, INFINITE, "scalar", shockable=False),
    Quantity("readiness_rate_down", "Rate of readiness, down", (), "per year", 0, INFINITE, "scalar", shockable=False),
    Quantity("relation_rate", "Rate of relations", (), "per year", 0, INFINITE, "scalar", shockable=False),
    Quantity("strain_war_rate", "Rate of strain by war", (), "per year", 0, INFINITE, "scalar", shockable=False),
    Quantity("strain_home_rate", "Rate of strain at home", (), "per year", 0, INFINITE, "scalar", shockable=False),
)

QUANTITIES: dict[str, Quantity] = {quantity.name: quantity for quantity in _TABLE}
STOCKS = tuple(q.name for q in _TABLE if q.kind == "stock")
FLOWS = tuple(q.name for q in _TABLE if q.kind == "flow")
MEASURES = tuple(q.name for q in _TABLE if q.kind == "measure")
PARAMETERS = tuple(q.name for q in _TABLE if q.kind in ("parameter", "scalar"))
SCALARS = tuple(q.name for q in _TABLE if q.kind == "scalar")

MECHANISMS: dict[str, str] = {
    "contests": "the contests for protection and for markets (the pull)",
    "vigilance": "blocs answer what their rivals have reached",
    "coercion": "blocs coerce states past a red line",
    "deterrence": "coercion deters the courting by rivals",
    "relay": "a bloc reaches a state through a friend",
    "readiness": "what programmes built makes protection worth more",
    "exclusivity": "the cost of standing with rivals at once",
    "peer_influence": "states move towards friends and away from foes",
    "exit_cost": "what was built together is costly to leave",
    "legacy": "lived history moves the anchor",
    "doubt": "a strained patron is believed less",
    "trade": "traffic opens markets and mends ties",
    "unrest": "a lost buffer strains the bloc at home",
}
"""The mechanisms, each with a weight in `dynamics`: 0 is exactly off, 1 leaves the numbers of the region file as they are."""
WEIGHT_MAX = 10.0
WEIGHT = Quantity("weight", "Weight of a mechanism", (), "weight", 0, WEIGHT_MAX, "weight", shockable=False)


class Contribution(NamedTuple):
    """A contribution to a change of alignment: its label, and its name as a reason in narratives."""

    label: str
    reason: str


CONTRIBUTIONS: dict[str, Contribution] = {
    "anchor": Contribution("Anchor", "the pull back to its anchor"),
    "legacy": Contribution("Legacy", "what it has lived through"),
    "exit_cost": Contribution("Exit cost", "the cost of leaving what was built together"),
    "security": Contribution("Security", "protection"),
    "economy": Contribution("Economy", "markets"),
    "exclusivity": Contribution("Exclusivity", "the cost of standing with rivals at once"),
    "peer_influence": Contribution("Peer influence", "the alignments of its friends and foes"),
    "impulse": Contribution("Shock impulses", "shocks"),
    "noise": Contribution("Noise", "noise"),
}
"""The contributions to each change of alignment (recorded with record=decomposition), in the order of figures and tables.

`impulse` means one contribution of each shock with an impulse on dispositions, named `impulse.<shock>`.
"""


def contribution_names(impulse_shocks: Iterable[str]) -> list[str]:
    """The contributions in a run in which the named shocks have impulses on dispositions.

    >>> contribution_names(["revolution"])[-3:]
    ['peer_influence', 'impulse.revolution', 'noise']
    """
    return [
        name
        for part in CONTRIBUTIONS
        for name in ([f"impulse.{shock}" for shock in impulse_shocks] if part == "impulse" else [part])
    ]


STORED_STOCKS = tuple(name for name in STOCKS if name != "disposition")
"""The recorded stocks: disposition is left out, as it is arctanh of the alignment."""
RECORDED = STORED_STOCKS + FLOWS
SHOWN = RECORDED + MEASURES
"""The variables of summaries, tables and comparisons."""
DIFFERENCE = "_difference"
"""Suffix of the name of a paired difference."""
FINAL, REALIGNMENT = "final_alignment", "realignment"
MEASURED_RELATIONS = "measured_relations"
"""The coordinate of variants with the relations that their region file gives for measures, as JSON."""
SIDELESS = "blocs_without_rival"
"""The attribute of measures with the blocs that have no rival, so that alignment with them cannot be weighed against one."""
OUTCOMES = {FINAL: STATE_BLOC, REALIGNMENT: (STATE,)}
"""What summaries record of every replicate: the final alignments, and the instant from which a state stays realigned, or -1."""
RESERVED = frozenset({*SHOWN, *OUTCOMES, MOVE, BUFFERS, DRAWN, MEASURED_RELATIONS}) | {
    *(STATE, PEER, BLOC, RIVAL, ROUTE, VARIANT, REPLICATE, TIME, PERIOD, STATISTIC, CONTRIBUTION),
    *("scenario", "scenario_label", "reference", "draw", "stability_margin", "state_label", "bloc_label", "bloc_colour"),
}
"""Names of variables, axes and coordinates of results, which swept settings may not have."""


def several(number: int | str, noun: str) -> str:
    """A number with its noun, in the plural where needed.

    >>> several(1, "replicate"), several(1200, "replicate"), several("5 and 2", "replicate")
    ('1 replicate', '1,200 replicates', '5 and 2 replicates')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}" if isinstance(number, int) else f"{number} {noun}s"


WEIGHT_OF = {name: quantity.weight for name, quantity in QUANTITIES.items() if quantity.weight}
"""For each weighted parameter the mechanism weight that multiplies it."""
