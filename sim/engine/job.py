"""All that is needed to compute any chunk of a run."""

from dataclasses import dataclass
from typing import Any

from sim.config.dates import Window
from sim.config.schema import Backend, Record
from sim.science.layout import Layout
from sim.science.state import Params, World


@dataclass(frozen=True)
class Job:
    """All that is needed to compute any chunk of a run, as a worker gets it."""

    params: Params
    world: World
    layout: Layout
    configs: Any
    """The configs of all variants, as `sim.science.shocks.draw` takes them."""
    references: tuple[int, ...]
    window: Window
    seeds: tuple[int, ...]
    """That of each variant: one for all, save where several jobs stand side by side."""
    replicates: int
    record: Record
    backend: Backend
    hold: int
    """Periods that a realignment must last."""
    labels: tuple[str, ...]
    """What the variants are called, for a message."""
