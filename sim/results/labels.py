"""The labels of the actors, variants and shocks of results."""

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from sim.config.labels import reading, told_apart
from sim.names import BLOC, REPLICATE, STATE, VARIANT


def names(ds: xr.Dataset, dim: str) -> list[str]:
    """The names on an axis or of a coordinate, as they are in config files."""
    return [str(name) for name in np.atleast_1d(ds[dim].values)]


def state_labels(ds: xr.Dataset) -> list[str]:
    """The labels of the states."""
    return names(ds, f"{STATE}_label")


def bloc_labels(ds: xr.Dataset) -> list[str]:
    """The labels of the blocs."""
    return names(ds, f"{BLOC}_label")


def variant_labels(ds: xr.Dataset) -> list[str]:
    """The variants' labels with the label in place of the name of the scenario, unless two would then look alike."""
    labels = names(ds, VARIANT)
    scenarios = zip(labels, names(ds, "scenario"), names(ds, "scenario_label"), strict=True)
    words = [word + label.removeprefix(name) if label.startswith(name) else label for label, name, word in scenarios]
    return words if len({reading(word) for word in words}) == len(words) else labels


def shock_labels(runs: Sequence[xr.Dataset]) -> dict[tuple[str, str], str]:
    """The labels of the shocks of some runs, by name and label; the name is added to labels that look alike."""
    found: dict[str, list[str]] = {}
    for table in (table for ds in runs for table in json.loads(ds.attrs["shocks"]).values()):
        for shock in table:
            found.setdefault(shock["name"], []).append(shock["label"])
    return told_apart(found)


def replicates_of(ds: xr.Dataset) -> int:
    """How many replicates each variant has."""
    return ds.sizes.get(REPLICATE, int(ds.attrs["replicates"]))
