"""The settings of a run as typed dataclasses. The numbers are in configs/, their limits in `sim.names`.

Checks raise `SettingError`, which gives the key, the value, what is allowed and the name that was likely meant.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sim.config.dates import Window, read_date
from sim.config.region import Region, labels_and_colours
from sim.errors import SettingError

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""Valid names of states, blocs, routes, shocks and effects."""


class Record(Enum):
    """What a run records: all stocks and flows of every replicate, also the contributions to each move, or only summaries."""

    auto = "auto"
    trajectories = "trajectories"
    decomposition = "decomposition"
    summaries = "summaries"


class Sample(Enum):
    """Where the numbers of a run come from: the files, or draws from the plausible ranges."""

    none = "none"
    ranges = "ranges"


class Design(Enum):
    """How swept values combine (grid: all combinations; zip: the first of each, the second of each, ...) and how numbers are drawn.

    Random draws are independent (also with grid and zip); a Latin hypercube has one draw in each of as many equal strata; Sobol
    points cover all numbers jointly and evenly. Every combination of swept values gets the same draws.
    """

    grid = "grid"
    zip = "zip"
    random = "random"
    latin = "latin"
    sobol = "sobol"


class Backend(Enum):
    """The array library that computes the rules: NumPy (the reference) or JAX."""

    numpy = "numpy"
    jax = "jax"


class Precision(Enum):
    """The floating-point precision of a run."""

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
    """The weight of each mechanism (0 is exactly off), and the numbers that all actors share."""

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
    """A named event or policy with dated effects, and the probability that it happens at all."""

    label: str
    effects: dict[str, Effect]
    probability: float = 1.0


@dataclass
class Scenario:
    """The name and label of a set of shocks."""

    name: str
    label: str


@dataclass
class Study:
    """A question and the settings that it sweeps (`axes`); the settings that it fixes are in the same file."""

    name: str = ""
    question: str = ""
    axes: dict[str, str] = field(default_factory=dict)


@dataclass
class Engine:
    """Where and how a run is computed; only back end and precision affect its numbers."""

    name: str
    backend: Backend
    precision: Precision
    workers: int
    chunk: int
    cluster: str = ""
    """The Dask cluster: `local` or the address of a scheduler; empty: none."""
    chunks: str = ""
    """A URL to which chunks are written; empty: the results folder."""
    part: str = ""
    """The part of the chunks that this process computes, as in 3/20; empty: all."""

    @property
    def share(self) -> tuple[int, int] | None:
        """The number of the part, and the number of parts."""
        number, _, parts = self.part.partition("/")
        return (int(number), int(parts)) if self.part else None


@dataclass
class Config:
    """All settings of one variant of one run."""

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
        """The settings that all variants of one run must share, by dotted path."""
        settings = {key: getattr(self, key) for key in RUN_KEYS}
        opening = self.window.start.isoformat()
        return {"region": self.region.name, **labels_and_colours(self.region), **settings, "region.as_of": opening}


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
"""Settings of the whole run: all its variants share them, so that they cannot be swept."""


def demand_one_run(configs: Sequence[Config], labels: Sequence[str]) -> None:
    """Refuse variants that differ in settings of the whole run, which files of scenarios may set."""
    first = configs[0].whole_run
    for config, label in zip(configs[1:], labels[1:], strict=True):
        for key, own in config.whole_run.items():
            if first.get(key, own) != own:
                message = f"{labels[0]} has {_worded(first[key])}, {label} has {_worded(own)}"
                raise SettingError(key, message, f"one {key.rpartition('.')[2]} for all: {key}=..., or sim run -m: a job each")


def _worded(value: object) -> object:
    return value.value if isinstance(value, Enum) else value if value != "" else "none"


def members(value: object) -> list[str]:
    """The names in one entry of `who`, which is a list or one name."""
    return [str(name) for name in value] if isinstance(value, list | tuple) else [str(value)]


NO_SHOCK = "no_shock"
"""The name of the scenario of `shock=[]`."""


@dataclass
class Variant:
    """One variant: its config, its label, and the values in which it differs from the other variants."""

    config: Config
    label: str
    coordinates: dict[str, object]
    settings: dict[str, Any] = field(repr=False)
    """The composed settings as plain tables; of a drawn variant, those before the draw."""
    overrides: tuple[str, ...] = ()
    config_dir: str = ""
    """The user's folder of config files, as it was given."""
    drawn: dict[str, str] = field(default_factory=dict, repr=False)
    """For each drawn number, by its dotted path, a hash of its values in all draws."""
