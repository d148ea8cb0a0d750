"""What identifies a run: the settings that decide its numbers and figures, and the results folder named by their hash."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.compose.designs import Variants
from sim.config.fingerprint import code_hash, data_settings, fingerprint, shared_and_own
from sim.config.schema import Variant
from sim.config.strict_yaml import yaml_text
from sim.engine.plan import against, label_of
from sim.results.software import PROJECT, installed_version

OUTPUTS = "outputs"
HASH_LETTERS = 8
CONFIG, SUMMARY, DRAWS = "config.yaml", "summary.csv", "draws.csv"
NEEDED = CONFIG, SUMMARY
"""The files that every receipt of a run lists."""


def settings_of(variants: Sequence[Variant]) -> dict[str, Any]:
    """What decides the numbers and figures of a run: settings, order and references of its variants, version and code."""
    if isinstance(variants, Variants):
        tables = variants.flat_settings()
    else:
        named = {id(variant.settings): variant for variant in variants}.values()
        tables = {label_of(variant): data_settings(variant.settings) for variant in named}
    return settings_said(tables, against(variants) if len(tables) > 1 else None)


def settings_said(tables: dict[str, dict[str, Any]], to: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The same from the flat settings of each variant, by its label; `to` holds the reference of each variant of one run."""
    shared, own = shared_and_own(list(tables.values()))
    settings = {"version": installed_version(PROJECT), "code": code_hash(), "shared": shared}
    settings["variants"] = dict(zip(tables, own, strict=True))
    return settings | ({"order": list(tables)} if len(tables) > 1 else {}) | ({"against": dict(to)} if to else {})


def folder_for(variants: Sequence[Variant], verb: str) -> Path:
    """The folder that a run writes: `out`, else outputs/<study or verb>-<first 8 letters of the settings' hash>."""
    config = variants[0].config
    if config.out:
        return Path(config.out)
    return Path(OUTPUTS) / f"{config.study.name or verb}-{fingerprint(settings_of(variants))[:HASH_LETTERS]}"


def write_config(path: Path, variants: Sequence[Variant]) -> None:
    """Write the resolved settings of every variant, as `--cfg job` prints them; settings that all share are written once."""
    from sim.config.fingerprint import common_and_rest

    named = {id(variant.settings): variant for variant in variants}.values()
    common, rest = common_and_rest([variant.settings for variant in named])
    content = {"shared": common, "variants": {label_of(variant): own for variant, own in zip(named, rest, strict=True)}}
    path.write_text(yaml_text(content), encoding="utf-8")
