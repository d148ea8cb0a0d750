"""`sim explain`: what moved one alignment, as a table and a figure, or what moved whom in a run, as text month by month."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from sim.analysis import tables
from sim.analysis.explain import CHANGE, EFFECT, KIND, dates, demand_contributions, explain, interval, narrative
from sim.commands import identity
from sim.commands.arguments import said_once
from sim.commands.codes import GOOD
from sim.config import places
from sim.config.fingerprint import fingerprint
from sim.config.known import demand_known, whole_number
from sim.errors import SettingError
from sim.names import BLOC, STATE, TIME, VARIANT, several
from sim.results import lifecycle, manifest, reading, receipts
from sim.results.software import PROJECT, installed_version
from sim.text import LABEL_MAX, cut, say, shown

TABLE, NARRATIVE, FIGURE = "explanation.csv", "narrative.txt", "explanation.png"
KEYS = ("variant", "from", "to", "replicate", "out")
"""The key=value arguments, besides the folder, the state and the bloc."""
Tell = Callable[[str], None]


def command(options: Any) -> int:
    """Run `sim explain DIR STATE BLOC` or `sim explain DIR` with the parsed arguments and return the exit code."""
    folder, words = options.folder, options.words
    arguments = said_once([word for word in words if "=" in word])
    actors = [word for word in words if "=" not in word]
    if len(actors) not in (0, 2):
        raise SettingError("arguments", several(len(actors), "actor"), "a state and a bloc, or neither")

    into = write_explanation(Path(folder), actors, arguments, tell=say)
    say(f"written: {into}")
    return GOOD


def write_explanation(folder: Path, actors: Sequence[str], arguments: dict[str, str], tell: Tell) -> Path:
    """Explain a state's alignment with a bloc, or without `actors` narrate the whole run; returns the folder with the output."""
    for key in arguments:
        demand_known("arguments", key, KEYS, "setting of sim explain")
    places.demand_new("out", arguments.get("out", ""))
    metadata = manifest.read_manifest(folder)
    asked = {
        "version": installed_version(PROJECT),
        "shared": {"folder": metadata.get("settings_hash", ""), "actors": list(actors)}
        | {key: value for key, value in arguments.items() if key != "out"},
        "variants": {},
    }
    into = (
        Path(arguments["out"])
        if "out" in arguments
        else Path(identity.OUTPUTS) / f"explain-{fingerprint(asked)[: identity.HASH_LETTERS]}"
    )
    if into.resolve() == folder.resolve():
        raise SettingError("out", "is the folder of the results themselves", "a new folder", where=f"out={into}")
    there = lifecycle.complete(into, asked) and not receipts.wrong(into)
    lifecycle.clear_killed(into.parent, into.name)
    ds = reading.open_results(folder)
    _demand_explainable(ds, actors, arguments)
    variant = _variant(ds, arguments.get("variant", ""))
    into_new = None if there else into
    if actors:
        _one_score(ds, variant, actors, arguments, into_new, asked, tell)
    else:
        _whole_run(ds, variant, arguments, into_new, asked, tell)
    if there:
        tell(f"already complete: {into}")
    return into


def _demand_explainable(ds: xr.Dataset, actors: Sequence[str], arguments: dict[str, str]) -> None:
    """Raise `SettingError` for what is wrong in every variant: contributions that were not recorded, names, instants."""
    demand_contributions(ds)
    for dim, name in zip((STATE, BLOC), actors, strict=False):
        known = dict(zip(map(str, ds[dim].values), map(str, ds[f"{dim}_label"].values), strict=True))
        demand_known(dim, name, known, dim)
    if actors and "replicate" not in arguments:
        interval(ds, arguments.get("from", ""), arguments.get("to", ""))


def _variant(ds: xr.Dataset, name: str) -> str:
    """The variant to explain: the given one, the only one, or the only one that is compared with another variant."""
    labels = [str(label) for label in ds[VARIANT].values]
    if name:
        demand_known("variant", name, labels, "variant")
        return name
    others = [label for label, reference in zip(labels, ds["reference"].values, strict=True) if label != str(reference)]
    if len(labels) > 1 and len(others) != 1:
        raise SettingError(
            "variant", f"{len(labels)} are in the results", "variant= one of " + "; ".join(labels), where="arguments"
        )
    return others[0] if len(labels) > 1 else labels[0]


def _one_score(
    ds: xr.Dataset,
    variant: str,
    actors: Sequence[str],
    arguments: dict[str, str],
    into: Path | None,
    asked: dict[str, Any],
    tell: Tell,
) -> None:
    from sim.figures import run
    from sim.figures.sheet import save

    if "replicate" in arguments:
        raise SettingError(
            "replicate",
            "belongs to the narrative of a whole run",
            "sim explain DIR replicate=K",
            where=f"replicate={arguments['replicate']}",
        )
    explained = explain(ds, variant, actors[0], actors[1], arguments.get("from", ""), arguments.get("to", ""))
    if into:
        with lifecycle.answered(into, asked) as draft:
            _write_table(draft / TABLE, explained)
            save(run.plot_explanation(explained), draft / FIGURE)
    for line in _lines(explained):
        tell(line)


def _whole_run(
    ds: xr.Dataset, variant: str, arguments: dict[str, str], into: Path | None, asked: dict[str, Any], tell: Tell
) -> None:
    for key in ("from", "to"):
        if key in arguments:
            raise SettingError(key, "belongs to the explanation of one alignment", "sim explain DIR STATE BLOC", where="arguments")
    text = arguments.get("replicate")
    replicate = None if text is None else whole_number("replicate", text, "a whole number from 0", f"replicate={text}")
    lines = narrative(ds, variant, replicate)
    if into:
        with lifecycle.answered(into, asked) as draft:
            (draft / NARRATIVE).write_text("\n".join(map(shown, lines)) + "\n", encoding="utf-8")
    for line in lines:
        tell(line)


def _lines(explained: xr.Dataset) -> list[str]:
    """The contributions over the whole interval of time as lines of text."""
    attributes, days = explained.attrs, dates(explained[TIME].values)
    kinds = [str(kind) for kind in explained[KIND].values]
    heads = {CHANGE: cut(attributes["variant"], LABEL_MAX), EFFECT: cut(f"against {attributes['against']}", LABEL_MAX)}
    width = max(20, *(len(heads[kind]) + 2 for kind in kinds))
    state, bloc = (cut(attributes[name], LABEL_MAX) for name in ("state_label", "bloc_label"))
    lines = [
        f"{state} and {bloc}, {days[0]} to {days[-1]}: contributions to the change of the alignment, "
        f"mean ± half its 95 % interval, {several(int(attributes['replicates']), 'replicate')}",
        " " * 24 + "".join(f"{heads[kind]:>{width}}" for kind in kinds),
    ]
    last = explained["alignment"].isel({TIME: -1})
    for at, label in enumerate(explained["contribution_label"].values):
        row = last.isel(contribution=at)
        lines.append(
            f"{cut(str(label), LABEL_MAX):<24}" + "".join(f"{tables.interval(row.sel({KIND: kind})):>{width}}" for kind in kinds)
        )
    return [*lines, f"the contributions sum to the recorded change within {attributes['residual']:.1g}"]


def _write_table(path: Path, explained: xr.Dataset) -> None:
    """Write the long table: a row per kind, contribution and instant, from the first instant on."""
    attributes, statistics = explained.attrs, [str(name) for name in explained["statistic"].values]
    days = explained[TIME].values.astype("datetime64[D]").astype(str)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["variant", "against", "state", "bloc", "kind", "contribution", "since", "time", "unit", *statistics, "n"])
        for kind in explained[KIND].values:
            lead = [
                tables.cell(attributes["variant"]),
                tables.cell(attributes["against"]) if kind == EFFECT else "",
                attributes["state"],
                attributes["bloc"],
            ]
            for contribution in explained["contribution"].values:
                values = explained["alignment"].sel({KIND: kind, "contribution": contribution}).values.tolist()
                for day, numbers in zip(days, values, strict=True):
                    cells = [format(number, ".10g") for number in numbers]
                    writer.writerow([*lead, kind, contribution, days[0], day, "alignment", *cells, attributes["replicates"]])
