"""From variants to a labelled Dataset: the one path that commands, notebooks and tests share."""

from collections.abc import Sequence

import xarray as xr

from sim.arrays import Array
from sim.config.schema import Record, Variant
from sim.engine import ensemble, workers
from sim.engine.metadata import metadata_of
from sim.engine.plan import Plan, job_of
from sim.errors import SettingError
from sim.results import chunking, dataset


def simulate(variants: Sequence[Variant] | Plan) -> xr.Dataset:
    """Run all variants on common random numbers.

    Parameters
    ----------
    variants : sequence of Variant
        The result of `sim.compose.expand.expand`, or a `Plan` of them.

    Returns
    -------
    xarray.Dataset
        With dims variant, replicate (statistic where only summaries are recorded), time (instants, stocks) or period (flows), and
        those of the actors; units and labels in the attributes.

    Raises
    ------
    SettingError
        Where a variant cannot be run.
    """
    if not isinstance(variants, Plan) and len(variants) and isinstance(variants[0], str):
        raise SettingError("variants", "are overrides", "variants: sim.simulate(sim.expand(overrides))")
    plan = variants if isinstance(variants, Plan) else Plan(variants)
    return dataset.label(run_arrays(plan), metadata_of(plan))


def run_arrays(plan: Plan) -> dict[str, Array]:
    """The recorded arrays of a plan, (variant, replicate or statistic, time or period, ...)."""
    job, engine = job_of(plan), plan.config.engine
    alone = engine.workers <= 1 and not engine.cluster and plan.record is not Record.summaries
    cut = ensemble.tasks(job, engine.chunk or (job.replicates if alone else 0))
    pieces = workers.compute(job, cut, max(1, engine.workers), cluster=engine.cluster)
    return chunking.joined(pieces, plan.record is Record.summaries, len(job.labels), job.replicates)
