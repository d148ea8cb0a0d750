"""The plan of a run, rebuilt from its folder, and whether the folder's metadata are those of that plan."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.commands import identity
from sim.compose.designs import Point, Whole, assemble, is_light
from sim.compose.expand import whole_of
from sim.compose.folders import Folders
from sim.compose.overrides import CHOICES, Axis, coordinate_names, parse, put_value
from sim.config.fingerprint import code_hash, differing, fingerprint, flat_settings, in_order
from sim.config.nested import entry, merged
from sim.config.schema import Record
from sim.config.strict_yaml import read_written
from sim.engine.metadata import commit, metadata_of
from sim.engine.plan import Plan
from sim.errors import DamageError, SettingError
from sim.names import VARIANT
from sim.results import manifest
from sim.results.software import JAX, PROJECT, versions

SHOWN = 4
Metadata = dict[str, Any]
NUMBERS_FROM = (PROJECT, "numpy", "scipy", "processor", JAX, "jaxlib", "device")
"""The software versions on which the numbers of a run depend, among those that its metadata record."""


def rebuilt(folder: Path, metadata: Metadata) -> Plan:
    """The plan of a run from its folder: from `config.yaml`, and from the overrides that name what was swept and drawn.

    Raises
    ------
    SettingError
        If it cannot be rebuilt exactly: other software, or settings that are not those of the manifest.
    """
    came = json.loads(metadata["attributes"]["provenance"])
    here = versions(JAX if JAX in came["versions"] else "")
    rows = [row for row in differing(came["versions"], here) if row[0] in NUMBERS_FROM]
    if rows:
        shown = "; ".join(f"{name} {old} there, {new} here" for name, old, new in rows)
        raise SettingError("sample", f"cannot be computed again by other versions: {shown}", "those versions, or sample=0")
    if metadata["settings"]["code"] != code_hash():
        commits = f"{came['commit'] or 'an installed version'} there, {commit() or 'an installed version'} here"
        wrong = f"cannot be computed again: the code that computes the numbers is another ({commits})"
        raise SettingError("sample", wrong, "that code, or sample=0")
    axes = parse(came["overrides"], Folders())
    names = coordinate_names([axis.key for axis in axes if axis.swept])
    intervals = {names[axis.key]: axis for axis in axes if axis.interval}
    variants = assemble(_points(folder, metadata, axes), intervals, (), "")
    now = {key: value for key, value in identity.settings_of(variants).items() if key != "against" or key in metadata["settings"]}
    rows = differing(flat_settings(metadata["settings"]), flat_settings(now))
    if rows:
        shown = "; ".join(f"{key}: {old} was run, {new} is there" for key, old, new in rows[:SHOWN])
        raise SettingError(str(folder / identity.CONFIG), f"is not what was run: {shown}", "config.yaml as written, or sample=0")
    at = {variant.label: index for index, variant in enumerate(variants)}
    labels = metadata["coordinates"][VARIANT]
    plan = Plan(
        variants.select([at[label] for label in labels]), [labels.index(to) for to in metadata["beside"][VARIANT]["reference"]]
    )
    plan.record = Record(metadata["attributes"]["record"])
    return plan


def _points(folder: Path, metadata: Metadata, axes: Sequence[Axis]) -> list[Point]:
    """The points of a run from `config.yaml`; numbers that need no config of their own are again set over a few base configs."""
    path = folder / identity.CONFIG
    try:
        content = read_written(path)
        shared, variants = dict(content["shared"]), dict(content["variants"])
    except (SettingError, OSError, ValueError, TypeError, KeyError):
        raise SettingError(
            str(path), "cannot be read, so nothing can be computed again", "config.yaml as written, or sample=0"
        ) from None
    light = [axis for axis in axes if len(axis.choices) > 1 and is_light(axis, axes)]
    wholes: dict[str, Whole] = {}
    points = []
    for label, rest in variants.items():
        settings = in_order(
            merged(shared, rest or {}), metadata["settings"]["shared"] | metadata["settings"]["variants"].get(label, {})
        )
        own = {axis.path: entry(settings, axis.path) for axis in light}
        for axis in [*light, *(axis for axis in axes if axis.interval)]:
            put_value(settings, axis)
        name = fingerprint(settings)
        if name not in wholes:
            wholes[name] = whole_of({**settings, CHOICES: {}}, axes, Folders())
        points.append(Point(label, {}, wholes[name], own))
    return points


APART = ("provenance", "settings_hash", "refused_draws", "swept")
"""Attributes that a rebuilt plan does not have: provenance, how many draws were refused, and what was swept."""


def demand_metadata_of(folder: Path, metadata: Metadata, plan: Plan) -> None:
    """Raise `DamageError` if the metadata (labels, dates, references, shocks) are not those that the settings of the run give.

    This finds changed metadata also where the manifest was given a new valid hash.
    """
    now, there = (json.loads(json.dumps(table, default=str)) for table in (metadata_of(plan), metadata))
    rows = [name for name in ("variables", "coordinates") if now[name] != there[name]]
    rows += [name for dim, columns in now["beside"].items() for name in columns if columns[name] != there["beside"][dim].get(name)]
    rows += [name for name, value in now["attributes"].items() if name not in APART and value != there["attributes"].get(name)]
    rows += _odd_columns(metadata)
    if rows:
        wrong = f"differs from what its settings give: {', '.join(rows)}"
        raise DamageError(str(folder / manifest.MANIFEST), wrong, "the metadata that its settings give")


def _odd_columns(metadata: Metadata) -> list[str]:
    """The columns of the variants that contradict the variants' labels or their references in the settings."""
    labels, columns, against = (
        metadata["coordinates"][VARIANT],
        metadata["beside"][VARIANT],
        metadata["settings"].get("against", {}),
    )
    odd = []
    for label, scenario, to in zip(labels, columns["scenario"], columns["reference"], strict=True):
        wanted = against.get(label.partition(", draw=")[0])
        if wanted and wanted not in (to, to.partition(", draw=")[0]):
            odd.append("reference")
        if not f"{label},".startswith(f"{scenario},"):
            odd.append("scenario")
    for name in json.loads(metadata["attributes"]["swept"]):
        labelled = [(f"{label},", value) for label, value in zip(labels, columns[name], strict=True) if f", {name}=" in label]
        if any(f", {name}={value}," not in label for label, value in labelled if str(value)[:1] not in ("{", "[")):
            odd.append(name)
    return list(dict.fromkeys(odd))
