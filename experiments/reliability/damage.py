"""Results folders that were edited with new checksums, swapped or combined from several; `trust.py` opens them.

A folder whose numbers, metadata and checksums are all rewritten consistently is a different folder: only `sim verify`, which
computes again, can detect that. Here at least one file always contradicts the others.
"""

import copy
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.reliability.faults import OUT, Finding, here_command, tree, two_runs
from sim.errors import SettingError
from sim.results import manifest, packing, reading, receipts

ODD: tuple[Any, ...] = (None, True, 0, -1, 10**12, 1.5, "", "nothing", [], {}, [[]], ["x"], {"x": 1}, float("nan"))
"""Values that replace others."""
Metadata = dict[str, Any]


def inconsistent(here: Path, number: int, record: str, seed: int = 1) -> Finding:
    """Folders made inconsistent at random, with new checksums: they open with the true numbers or are refused, no tracebacks."""
    _, folder, other = two_runs(here, record, *((12, 4) if record == "trajectories" else (600, 256)))
    truth, whole = reading.open_results(folder), {name: (folder / name).read_bytes() for name in tree(folder)}
    rng, wrong, refused, asked = random.Random(seed), 0, 0, 0
    for index in range(number):
        way = rng.choice(WAYS)
        way(folder, other, rng)
        try:
            found = reading.open_results(folder)
            wrong += not same(found, truth)
        except SettingError:
            refused += 1
        except Exception:
            wrong += 1
        if index % 20 == 0:
            asked += 1
            for verb in (["status"], ["verify", "sample=0"], ["compare"], ["clean", "--dry-run"]):
                code, told = here_command(here / "true", [verb[0], OUT, *verb[1:]])
                wrong += code not in (0, 2, 4) or "Traceback" in told or len(told.splitlines()) > 6
        _restore(folder, whole)
    text = f"record={record}: {number:,} folders resealed, swapped or inconsistent, {refused:,} refused"
    text += ", the others with the true numbers"
    return Finding(f"{text}; {asked} of them read by status, verify, compare and clean too", wrong)


def same(found: Any, truth: Any) -> bool:
    """Whether two Datasets have the same numbers and labels, whatever their provenance."""
    left, right = (ds.assign_attrs(provenance="") for ds in (found, truth))
    bits = all(left[name].values.tobytes() == right[name].values.tobytes() for name in right.data_vars)
    return bits and left.identical(right)


def _restore(folder: Path, whole: dict[str, bytes]) -> None:
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if str(path.relative_to(folder)) not in whole:
            path.unlink()
    for name, content in whole.items():
        if not (folder / name).is_file() or (folder / name).read_bytes() != content:
            (folder / name).write_bytes(content)


# Metadata -------------------------------------------------------------------------------------------------------------------


def edited(folder: Path, _: Path, rng: random.Random) -> None:
    """Change the manifest anywhere and write its checksum again; half of the time adapt `complete.json`."""
    metadata = manifest.unsealed(folder / manifest.MANIFEST)
    changed = copy.deepcopy(metadata)
    if not _changed(changed, rng) or changed == metadata:
        return
    reseal(folder, changed, fit=rng.random() < 0.5)


def reseal(folder: Path, metadata: Metadata, fit: bool) -> None:
    """Write metadata with their checksum; where `fit`, adapt the receipt of the folder too."""
    (folder / manifest.MANIFEST).write_bytes(manifest.sealed(metadata))
    if fit:
        said = receipts.read(folder / receipts.COMPLETE)
        said |= {"manifest": manifest.fingerprint({name: value for name, value in metadata.items() if name != manifest.SEAL})}
        (folder / receipts.COMPLETE).write_text(json.dumps(said))


def _changed(metadata: Any, rng: random.Random) -> bool:
    """Change one thing somewhere in plain tables and lists."""
    at = metadata
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return False
        key = rng.choice(keys)
        if isinstance(at[key], dict | list) and at[key] and rng.random() < 0.8:
            at = at[key]
            continue
        break
    way = rng.randrange(4)
    if way == 0:
        del at[key]
    elif way == 1:
        at[key] = rng.choice(ODD)
    elif isinstance(at, list):
        other = rng.randrange(len(at))
        if way == 2:
            at[key], at[other] = at[other], at[key]
        else:
            at.insert(other, copy.deepcopy(at[key]))
    else:
        at[key] = at[key] + 1 if isinstance(at[key], int | float) else f"{at[key]}x"
    return True


def cut_otherwise(folder: Path, _: Path, rng: random.Random) -> None:
    """List a chunk twice, leave one out, or give one other replicates; every checksum is adapted."""
    metadata = manifest.unsealed(folder / manifest.MANIFEST)
    cuts, at = metadata["chunks"], rng.randrange(len(metadata["chunks"]))
    way = rng.randrange(5)
    if way == 0:
        cuts.append(cuts[at])
    elif way == 1:
        del cuts[at]
    elif way == 2:
        cuts[at] = [*cuts[at][:2], cuts[at][2], cuts[at][3] + rng.choice([-1, 1, 10**9])]
    elif way == 3:
        cuts[at] = cuts[rng.randrange(len(cuts))]
    else:
        cuts[at] = rng.choice([[], [0], cuts[at][::-1], ["0", 1, 0, 1], {}, None])
    if metadata["chunks"] != manifest.unsealed(folder / manifest.MANIFEST)["chunks"]:
        reseal(folder, metadata, fit=True)


AXES = ("variant", "replicate", "time", "period", "state", "bloc", "statistic", "contribution")


def of_another_size(folder: Path, _: Path, rng: random.Random) -> None:
    """Make an axis and its columns longer or shorter than the arrays; every checksum is adapted, those of the chunks too."""
    metadata = manifest.unsealed(folder / manifest.MANIFEST)
    name = rng.choice([axis for axis in AXES if axis in metadata["coordinates"]])
    both = {"state": ("state", "peer"), "bloc": ("bloc", "rival"), "time": ("time", "period")}.get(name, (name,))
    longer = rng.random() < 0.5
    for axis in both:
        values = metadata["coordinates"][axis]
        values[:] = [*values, f"{values[-1]}x" if isinstance(values[-1], str) else values[-1] + 1] if longer else values[:-1]
    for column in metadata["beside"].get(name, {}).values():
        column[:] = [*column, column[-1]] if longer else column[:-1]
    if name == "replicate":
        metadata["attributes"]["replicates"] = len(metadata["coordinates"][name])
    reseal(folder, metadata, fit=True)
    _relabel(folder, metadata)


def _relabel(folder: Path, metadata: Metadata) -> None:
    """Adapt the receipts of all chunks to the metadata."""
    try:
        labels = manifest.labels_hash(metadata)
    except (KeyError, TypeError, ValueError):
        return
    for path in folder.glob("chunks/*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"words": labels}) + "\n")


# Chunks ---------------------------------------------------------------------------------------------------------------------


def of_another_run(folder: Path, other: Path, rng: random.Random) -> None:
    """Replace a chunk by one of another run, or by another of this one, and adapt its receipt."""
    paths = sorted(folder.glob("chunks/*.npz"))
    path, source = rng.choice(paths), rng.choice([folder, other])
    names = [one.name for one in paths if source == other or one != path]
    put(path, (source / "chunks" / rng.choice(names)).read_bytes())


def put(path: Path, content: bytes) -> None:
    """Replace the bytes of a chunk, and adapt its receipt."""
    path.write_bytes(content)
    said = json.loads(path.with_suffix(".json").read_text())
    said |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(said) + "\n")


def of_other_arrays(folder: Path, _: Path, rng: random.Random) -> None:
    """Give a chunk an array too few or too many, one of another shape or type, or infinite values; every checksum is adapted."""
    path = rng.choice(sorted(folder.glob("chunks/*.npz")))
    arrays = packing.unpacked(path.read_bytes())
    name = rng.choice(["alignment", "legacy", "effort", *arrays])
    arrays[name] = array = arrays[name].copy()
    way = rng.randrange(6)
    if way == 0:
        del arrays[name]
    elif way == 1:
        arrays["other"] = array
    elif way == 2:
        arrays[name] = array[..., :-1]
    elif way == 3:
        arrays[name] = array.astype(array.dtype.newbyteorder(">") if rng.random() < 0.5 else np.int32)
    elif way == 4 or array.dtype.kind != "f":
        arrays[name] = array[0]
    else:
        array.flat[rng.randrange(array.size)] = rng.choice([np.inf, -np.inf])
    put(path, packing.packed(arrays))
    said = receipts.read(folder / receipts.COMPLETE)
    said["chunks"][path.stem] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / receipts.COMPLETE).write_text(json.dumps(said))


def of_two_folders(folder: Path, other: Path, rng: random.Random) -> None:
    """Replace some files by those of another run."""
    names = [manifest.MANIFEST, receipts.COMPLETE, *(f"chunks/{path.name}" for path in folder.glob("chunks/*"))]
    for name in rng.sample(names, rng.randrange(1, len(names) - 1)):
        (folder / name).write_bytes((other / name).read_bytes())


WAYS: tuple[Callable[[Path, Path, random.Random], None], ...] = (
    edited,
    cut_otherwise,
    of_another_size,
    of_another_run,
    of_other_arrays,
    of_two_folders,
)
