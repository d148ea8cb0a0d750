"""The input that workers need to compute any chunk of a run."""

from dataclasses import dataclass
from typing import Any

from sim.config.dates import Window
from sim.config.schema import Backend, Record
from sim.science.layout import Layout
from sim.science.state import Params, World


@dataclass(frozen=True)
class Job:
    """The input that a worker needs to compute any chunk of a run."""

    params: Params
    world: World
    layout: Layout
    configs: Any
    """The configs of all variants, as `sim.science.shocks.draw` takes them."""
    references: tuple[int, ...]
    """For each variant the position of its reference."""
    window: Window
    seeds: tuple[int, ...]
    """The seed of each variant: equal for all, except where several jobs are computed in one batch."""
    replicates: int
    record: Record
    backend: Backend
    hold: int
    """Periods that a realignment must last."""
    labels: tuple[str, ...]
    """The labels of the variants, for messages."""
