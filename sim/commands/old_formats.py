"""Folders of the earlier format 3: they are no longer opened, but `sim verify` reports whether their numbers may be stale."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sim.config.fingerprint import data_settings, differing
from sim.config.nested import merged
from sim.config.strict_yaml import read_written
from sim.engine.plan import references
from sim.errors import DamageError, SettingError
from sim.names import PERIOD, VARIANT
from sim.results import manifest

CONFIG = "config.yaml"
NANOSECONDS = ("1678", "2262")
"""The years between which format 3 wrote correct dates in tables and figures."""
SHOWN = 6


def report(folder: Path) -> list[str]:
    """What may be stale or wrong in a folder of format 3, as lines of text.

    The identity of such a folder did not include the references of its variants, nor settings with certain words in their names.

    Raises
    ------
    DamageError
        If its metadata or settings are not as they were written.
    """
    at = [folder, *sorted((folder / "batches").glob("*"))]
    lines = [line for one in at if (one / manifest.MANIFEST).is_file() for line in _of_one(one)]
    end = "make it again in a new folder" if lines else "its numbers are those of its settings; make it again to continue it"
    return [f"{folder}: format {manifest.BEFORE}, this version writes {manifest.FORMAT}; {end}", *lines]


def _of_one(folder: Path) -> list[str]:
    metadata = manifest.unsealed(folder / manifest.MANIFEST, manifest.BEFORE)
    if "chunks" not in metadata:
        return []
    return [f"{folder}: {line}" for line in (*_left_out(folder, metadata), *_set_against(metadata), *_beyond(metadata))]


def _left_out(folder: Path, metadata: Mapping[str, Any]) -> list[str]:
    """Settings that were not part of the identity, so that a command with other values of them accepted this folder."""
    try:
        content = read_written(folder / CONFIG)
        own = {label: merged(content["shared"], rest or {}) for label, rest in content["variants"].items()}
    except (SettingError, OSError, ValueError, TypeError, KeyError, AttributeError):
        raise DamageError(str(folder / CONFIG), "cannot be read", "config.yaml as it was written") from None
    settings, found = metadata["settings"], {}
    for label, tables in own.items():
        there = settings["shared"] | settings["variants"].get(label, {})
        now = {key: value for key, value in data_settings(tables).items() if not isinstance(value, list)}
        found |= {key: value for key, _, value in differing(there, now) if key not in there}
    shown = [f"{key}={found[key]}" for key in sorted(found, key=lambda key: isinstance(found[key], str))]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return [f"may be stale: run with these values, whatever was asked for: {', '.join(shown[:SHOWN])}{more}"] if shown else []


def _set_against(metadata: Mapping[str, Any]) -> list[str]:
    """Where variants have another reference than now, or than a command with another order of the same values asked for."""
    labels, beside = metadata["coordinates"][VARIANT], metadata["beside"][VARIANT]
    names = ["scenario", *json.loads(metadata["attributes"]["swept"]), *(["draw"] if "draw" in beside else [])]
    rows = zip(*(beside[name] for name in names), strict=True)
    variants: Any = [
        SimpleNamespace(label=label, coordinates=dict(zip(names, row, strict=True)))
        for label, row in zip(labels, rows, strict=True)
    ]
    wanted = metadata["settings"]["shared"].get("reference", "")
    now = [labels[index] for index in references(variants, wanted)]
    other = [
        f"{label} against {there}, now {here}"
        for label, there, here in zip(labels, beside["reference"], now, strict=True)
        if there != here
    ]
    if other:
        return [f"wrong reference of {len(other)} variants: {'; '.join(other[:SHOWN])}"]
    if len(labels) > 1 and not wanted and now[0] == labels[0]:
        return [f"may be stale: effects are against {labels[0]}, also where another order of the same values was asked for"]
    return []


def _beyond(metadata: Mapping[str, Any]) -> list[str]:
    """Where the time type of format 3 could not hold the dates of the run."""
    first, last = metadata["coordinates"][PERIOD][0], metadata["coordinates"]["time"][-1]
    if NANOSECONDS[0] <= first[:4] and last[:4] < NANOSECONDS[1]:
        return []
    return [f"wrong dates in tables and figures: {first} to {last} did not fit"]
