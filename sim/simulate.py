"""From variants to a labelled Dataset: the one path that commands, notebooks and tests share."""

from collections.abc import Sequence
from dataclasses import replace

import xarray as xr

from sim import ensemble, results, workers
from sim.arrays import Array
from sim.config import Backend, Keep, Variant
from sim.ensemble import Job
from sim.measures import HOLD_YEARS
from sim.params import shared
from sim.plans import Plan
from sim.turning import library
from sim.words import words


def simulate(variants: Sequence[Variant] | Plan) -> xr.Dataset:
    """Run all variants on the same luck.

    Parameters
    ----------
    variants : sequence of Variant
        As `sim.compose.expand` gives them; or a `Plan` of them.

    Returns
    -------
    xarray.Dataset
        With dims variant, replicate (statistic where only summaries are kept), time (instants, stocks) or period (flows), and
        those of the actors; units and labels in the attributes.

    Raises
    ------
    SettingError
        Where a variant cannot be run.
    """
    plan = variants if isinstance(variants, Plan) else Plan(variants)
    return results.label(run_arrays(plan), words(plan))


def job_of(plan: Plan) -> Job:
    """What a worker needs of a plan.

    Raises
    ------
    SettingError
        Where its back end is not installed.
    """
    if plan.config.engine.backend is Backend.jax:
        library()
    return Job(
        params=shared(plan.params),
        world=shared(plan.world),
        layout=replace(plan.layout, precision=plan.config.engine.precision.value),
        configs=plan.configs,
        references=tuple(plan.references),
        window=plan.window,
        seeds=tuple(plan.configs.wholes[whole].seed for whole in plan.configs.whole),
        replicates=plan.config.replicates,
        keep=plan.keep,
        backend=plan.config.engine.backend,
        hold=round(HOLD_YEARS * plan.config.periods_per_year),
        labels=tuple(variant.label for variant in plan.variants),
    )


def run_arrays(plan: Plan) -> dict[str, Array]:
    """The recorded arrays of a plan, (variant, replicate or statistic, time or period, ...)."""
    job, engine = job_of(plan), plan.config.engine
    alone = engine.workers <= 1 and not engine.cluster and plan.keep is not Keep.summaries
    cut = ensemble.tasks(job, engine.chunk or (job.replicates if alone else 0))
    pieces = workers.compute(job, cut, max(1, engine.workers), cluster=engine.cluster)
    return results.joined(pieces, plan.keep is Keep.summaries, len(job.labels), job.replicates)
