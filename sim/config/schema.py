"""What a person may set, as typed dataclasses. The numbers are in configs/, the limits in `sim.names`.

A check raises `SettingError`, which names the key, the value, what is allowed and the word that was likely meant.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sim.config.dates import Window, read_date
from sim.config.region import Region, told
from sim.errors import SettingError

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""What a state, bloc, route, shock or effect may be called in a file."""


class Record(Enum):
    """What a run keeps: every world's stocks and flows, also the parts of each move, or only their summaries."""

    auto = "auto"
    trajectories = "trajectories"
    decomposition = "decomposition"
    summaries = "summaries"


class Sample(Enum):
    """Where the numbers of a run come from: the file as it stands, or draws from its plausible ranges."""

    none = "none"
    ranges = "ranges"


class Design(Enum):
    """How swept values combine (a grid crosses them, zip runs them side by side), and how numbers are drawn between two ends.

    Random draws are independent (also with grid and zip), a Latin hypercube has one in each of as many equal strata, Sobol
    points fill all numbers together evenly. Draws are crossed with swept values, the same under each.
    """

    grid = "grid"
    zip = "zip"
    random = "random"
    latin = "latin"
    sobol = "sobol"


class Backend(Enum):
    """What computes the rules: NumPy, the reference, or JAX."""

    numpy = "numpy"
    jax = "jax"


class Precision(Enum):
    """The numbers that a run is computed in."""

    float64 = "float64"
    float32 = "float32"


class ShockKind(Enum):
    """The shape of an effect in time."""

    impulse = "impulse"
    step = "step"
    pulse = "pulse"
    ramp = "ramp"
    decay = "decay"


@dataclass
class Dynamics:
    """How the region works: a weight for each mechanism (0 is exactly off) and the numbers that all actors share."""

    name: str
    contests: float
    vigilance: float
    coercion: float
    deterrence: float
    relay: float
    readiness: float
    exclusivity: float
    peer_influence: float
    exit_cost: float
    legacy: float
    doubt: float
    trade: float
    unrest: float
    decisiveness: float
    outside: float
    security_weight: float
    threat_floor: float
    doubt_strength: float
    readiness_bonus: float
    exit_cost_strength: float
    trade_makes_peace: float
    transit_gain: float
    retention: float
    learning: float
    tie_rate: float
    credibility_rate: float
    access_rate: float
    road_rate: float
    readiness_rate_up: float
    readiness_rate_down: float
    relation_rate: float
    strain_war_rate: float
    strain_home_rate: float
    evidence: Any = field(default_factory=dict)


@dataclass
class Effect:
    """One dated effect of a shock on one target: a stock, the target of a stock, or a parameter."""

    date: Any
    kind: ShockKind
    target: str
    who: dict[str, Any]
    size: float
    range: list[float]
    unit: str
    source: str
    until: Any = None
    duration: float | None = None
    half_life: float | None = None


@dataclass
class Shock:
    """A dated change that comes from outside, with the probability that it happens at all."""

    label: str
    effects: dict[str, Effect]
    probability: float = 1.0


@dataclass
class Scenario:
    """The name that a set of shocks goes by."""

    name: str
    label: str


@dataclass
class Study:
    """A question: the settings that it pins stand beside it in its file, the axes that it varies stand here."""

    name: str = ""
    question: str = ""
    axes: dict[str, str] = field(default_factory=dict)


@dataclass
class Engine:
    """Where and how a run is computed; only back end and precision touch its numbers."""

    name: str
    backend: Backend
    precision: Precision
    workers: int
    chunk: int
    cluster: str = ""
    """The Dask cluster that computes: `local` or the address of a scheduler; none where empty."""
    chunks: str = ""
    """A URL where the chunks go; empty: into the results folder."""
    part: str = ""
    """Which part of the chunks this process computes, as in 3/20; empty: all."""

    @property
    def share(self) -> tuple[int, int] | None:
        """The number of the part and how many there are."""
        number, _, parts = self.part.partition("/")
        return (int(number), int(parts)) if self.part else None


@dataclass
class Config:
    """Everything that a person may set for one variant of one run."""

    region: Region
    dynamics: Dynamics
    scenario: Scenario
    study: Study
    engine: Engine
    start: str
    end: str
    periods_per_year: int
    replicates: int
    seed: int
    sample: Sample
    draws: int
    design: Design
    record: Record
    reference: str
    outcome: str
    out: str
    shock: dict[str, Shock] = field(default_factory=dict)

    @property
    def window(self) -> Window:
        """The window of the run: from `start` (the region's `as_of` where it is empty) to `end`."""
        return Window(read_date(self.start or self.region.as_of), read_date(self.end), self.periods_per_year)

    @property
    def whole_run(self) -> dict[str, object]:
        """What the variants of one run must have in common, by dotted path: arrays, window and figures are made for all at once."""
        settings = {key: getattr(self, key) for key in RUN_KEYS}
        opening = self.window.start.isoformat()
        return {"region": self.region.name, **told(self.region), **settings, "region.as_of": opening}


RUN_KEYS = (
    "start",
    "end",
    "periods_per_year",
    "replicates",
    "seed",
    "sample",
    "draws",
    "design",
    "record",
    "reference",
    "outcome",
    "out",
    "engine",
)
"""Settings of the whole run, which all its variants share: they cannot be swept inside one."""


def demand_one_run(configs: Sequence[Config], labels: Sequence[str]) -> None:
    """Refuse variants that differ in what their whole run shares, as files of scenarios may make them."""
    first = configs[0].whole_run
    for config, label in zip(configs[1:], labels[1:], strict=True):
        for key, own in config.whole_run.items():
            if first.get(key, own) != own:
                said = f"{labels[0]} has {_worded(first[key])}, {label} has {_worded(own)}"
                raise SettingError(key, said, f"one {key.rpartition('.')[2]} for all: {key}=..., or sim run -m: a job each")


def _worded(value: object) -> object:
    return value.value if isinstance(value, Enum) else value if value != "" else "none"


def members(value: object) -> list[str]:
    """The names that one entry of `who` gives: a list, or one name."""
    return [str(name) for name in value] if isinstance(value, list | tuple) else [str(value)]


NO_SHOCK = "no_shock"
"""The name of a scenario that `shock=[]` makes."""


@dataclass
class Variant:
    """One setting of everything: its config, its label, and the values that set it apart from its siblings."""

    config: Config
    label: str
    coordinates: dict[str, object]
    settings: dict[str, Any] = field(repr=False)
    """The composed files as plain tables; of a draw, the files that it was drawn from."""
    overrides: tuple[str, ...] = ()
    config_dir: str = ""
    """The user's own folder of files, as it was given."""
    drawn: dict[str, str] = field(default_factory=dict, repr=False)
    """What is drawn, by its dotted path, each with a hash of its values in all draws."""
