"""`sim status` and `sim verify`: a folder says how far it is; damage is found by name; what lies there is what comes out again."""

import json
import shlex
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import yaml

from experiments.structure import imports_of
from sim.commands import identity, jobs, rebuild, writing
from sim.commands.cli import run_command
from sim.commands.status import status
from sim.commands.verify import data_hash, verify
from sim.compose.expand import expand, expand_jobs
from sim.config.fingerprint import NUMBERS
from sim.config.places import ANY, trusting
from sim.config.strict_yaml import read_written
from sim.engine.plan import Plan
from sim.errors import DamageError, SettingError
from sim.results.chunk_store import CHUNKS
from sim.results.locks import hold
from sim.results.manifest import COMPLETE, MANIFEST, read_manifest
from sim.results.reading import open_results
from sim.results.software import versions
from tests.conftest import HARD, ROOT, over, without_figures

SAID = [*HARD[:1], "replicates=6", "end=2023-01"]
DESIGNS = {
    "shocks": ["shock=[],[everything]", "record=decomposition"],
    "order": ["shock=[everything],[second,everything],[everything,second]", "record=decomposition"],
    "numbers": ["shock=[everything]", "dynamics.vigilance=0,1,2", "engine.chunk=4"],
    "sizes": ["shock=[everything]", "shock.everything.effects.speed_step.size=0.05,0.1"],
    "chance": ["shock=[everything]", "shock.everything.probability=0.2,0.8"],
    "tables": ["region.states.north.alignment={east:0.2,west:0.1},{east:0.1,west:0.3}"],
    "interval": ["dynamics.vigilance=interval(0,2)", "draws=5", "dynamics.relay=0,1", "design=latin", "record=summaries"],
    "ranges": ["region=toy", "shock=[]", "sample=ranges", "draws=6", "design=sobol", "dynamics.vigilance=0,1"],
    "folded": ["shock=[],[everything]", "replicates=1100", "end=2022-06", "record=summaries", "engine.chunk=300"],
}


@pytest.fixture(scope="module")
def files(hard, tmp_path_factory):
    """A folder of files, only to read, with a second shock on the same targets."""
    folder = Path(shutil.copytree(hard, tmp_path_factory.mktemp("files") / "mine"))
    shock = yaml.safe_load((folder / "shock" / "everything.yaml").read_text())["everything"]
    (folder / "shock" / "second.yaml").write_text(yaml.safe_dump({"second": {**shock, "label": "Second", "probability": 0.7}}))
    return folder


def write(folder, out, *said):
    variants = expand(over(SAID, *said), folder)
    with without_figures():
        writing.write_run(out, Plan(variants), identity.settings_of(variants))
    return out


@pytest.fixture(scope="module")
def written(files, tmp_path_factory):
    """A sweep of three variants in three chunks, only to read."""
    return write(files, tmp_path_factory.mktemp("written") / "out", "dynamics.vigilance=0,1,2", "engine.chunk=2")


@pytest.fixture
def out(written, tmp_path):
    """A copy of it, to damage."""
    return Path(shutil.copytree(written, tmp_path / "out"))


# Made again ------------------------------------------------------------------------------------------------------------------


LONG = {"interval", "ranges", "order", "folded", "shocks", "numbers", "chance"}


@pytest.mark.parametrize("design", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in DESIGNS])
def test_a_folder_holds_all_that_makes_it_again(files, tmp_path, design):
    out = write(files, tmp_path / "out", *DESIGNS[design])
    words = read_manifest(out)
    shutil.move(files, tmp_path / "elsewhere")  # nothing is read from where the files were
    try:
        lines = verify(out, sample=100, seed=0)
    finally:
        shutil.move(tmp_path / "elsewhere", files)
    assert all(name in lines[-1] for name in [f"v{first:06d}-r{low:09d}" for first, _, low, _ in words["chunks"]][:4])


@pytest.mark.parametrize(
    ("said", "needs"),
    [
        ("engine.precision=float32", "numpy"),
        ("engine.chunks=file://{}/away", "numpy"),
        ("engine.chunks=memory://{}/away", "fsspec"),
        ("engine.backend=jax", "jax"),
    ],
)
def test_a_folder_is_made_again_however_it_was_computed(files, tmp_path, said, needs):
    pytest.importorskip(needs)
    out = write(files, tmp_path / "out", "dynamics.vigilance=0,1", "engine.chunk=4", said.format(tmp_path))
    with trusting(ANY):
        assert verify(out, 2, 0)[-1].count("v000000") == 2
        assert ("jaxlib" in json.loads(read_manifest(out)["attributes"]["provenance"])["versions"]) == (needs == "jax")


def test_the_same_seed_draws_the_same_chunks(files, tmp_path):
    out = write(files, tmp_path / "out", "engine.chunk=1")
    drawn = {seed: verify(out, 3, seed)[-1].partition(" (")[0] for seed in range(6)}
    assert drawn[1] == verify(out, 3, 1)[-1].partition(" (")[0]
    assert len(set(drawn.values())) > 1 and all(line.count("v000000") == 3 for line in drawn.values())
    assert len(verify(out, 0, 1)) == 1


@pytest.mark.parametrize("change", [("seed", 2026, 3), ("volatility", 0.06, 0.07)])
def test_settings_that_are_not_what_was_run_are_refused(out, change):
    path = out / "config.yaml"
    key, old, new = change
    text = path.read_text()
    assert f"{key}: {old}\n" in text
    path.write_text(text.replace(f"{key}: {old}\n", f"{key}: {new}\n", 1))
    with pytest.raises(SettingError, match=f"is not what was run: .*{key}: {old} was run, {new} is there"):
        verify(out, 1, 0)
    with pytest.raises(DamageError, match=r"config\.yaml has changed"):
        verify(out, 0, 0)


@pytest.mark.parametrize("text", ["", "shared: {}\n", "variants: 3", "{", "\x00"])
def test_settings_that_cannot_be_read_are_refused(out, text):
    (out / "config.yaml").write_text(text)
    with pytest.raises(SettingError, match=r"config\.yaml: cannot be read"):
        verify(out, 1, 0)


DOUBLED = "a0: &a0 [1, 2]\n" + "".join(f"a{at + 1}: &a{at + 1} [*a{at}, *a{at}]\n" for at in range(40))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", [DOUBLED, "a: &a [*a]\n", "a: " + "[" * 100_000, "a: !!python/tuple [1]\n", "a: [" + "1," * 1_000_000 + "1]\n"]
)
def test_settings_of_a_stranger_that_blow_up_are_refused(out, text):
    (out / "config.yaml").write_text(text)
    with pytest.raises(SettingError, match=r"config\.yaml: cannot be read"):
        verify(out, 1, 0)


def test_settings_that_stand_for_others_are_read(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: &a {b: [1, 2]}\nc: *a\n")
    assert read_written(path) == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}


def test_other_software_is_refused_by_name(out, monkeypatch):
    monkeypatch.setattr(rebuild, "versions", lambda backend: versions(backend) | {"numpy": "0.0"})
    with pytest.raises(SettingError, match=r"other versions: numpy .* there, 0\.0 here"):
        verify(out, 1, 0)
    verify(out, 0, 0)


def test_other_code_is_refused_in_its_own_words(out, monkeypatch):
    monkeypatch.setattr(rebuild, "code_hash", lambda: "other")
    with pytest.raises(SettingError, match="the code that computes the numbers is another") as caught:
        verify(out, 1, 0)
    assert "config.yaml" not in str(caught.value)
    verify(out, 0, 0)


BESIDE = {
    # what a person says, which the settings hold by value
    *(
        "errors",
        "config.known",
        "config.suggest",
        "config.strict_yaml",
        "config.fingerprint",
        "config.near_dates",
        "compose.folders",
        "compose.overrides",
    ),
    # who computes, where it lies, how it is read
    *("interrupts", "engine.dask_cluster", "engine.workers", "engine.metadata", "results.software", "results.chunk_store"),
    *("results.remote", "results.dataset", "results.derived", "results.manifest"),
}


def test_the_code_that_makes_numbers_is_known_by_its_imports():
    """All that the kernel, the chunks and the variants reach is in the hash of the code, save what makes no number."""
    imports, beside = imports_of(ROOT), {f"sim.{name}" for name in BESIDE}
    found, todo = set(), [f"sim.{name}" for name in ("science.kernel", "engine.ensemble", "engine.compiled", "engine.runs")]
    while todo:
        found.add(name := todo.pop())
        todo += [other for other in imports[name] if other not in found | beside]
    numbers = {".".join(filter(None, ("sim", package, name))) for package, names in NUMBERS.items() for name in names}
    assert found == numbers


@pytest.mark.slow
def test_numbers_that_come_out_otherwise_are_damage(files, tmp_path):
    out = write(files, tmp_path / "out", "dynamics.vigilance=0,1")
    store, chunk = out / CHUNKS, "v000000-r000000000"
    other = write(files, tmp_path / "other", "dynamics.vigilance=0,1", "seed=3")
    (store / f"{chunk}.npz").write_bytes((other / CHUNKS / f"{chunk}.npz").read_bytes())
    ours = json.loads((store / f"{chunk}.json").read_text())
    receipt = json.loads((other / CHUNKS / f"{chunk}.json").read_text()) | {name: ours[name] for name in ("run", "words")}
    (store / f"{chunk}.json").write_text(json.dumps(receipt) + "\n")
    whole = json.loads((out / COMPLETE).read_text())
    (out / COMPLETE).write_text(json.dumps({**whole, "chunks": {chunk: receipt["sha256"]}}))
    assert len(verify(out, 0, 0)) == 1
    with pytest.raises(DamageError, match=f"differs when computed again: .*{chunk}"):
        verify(out, 1, 0)


# Damage ----------------------------------------------------------------------------------------------------------------------


def test_every_flipped_bit_is_found_by_name(out):
    rng = np.random.default_rng(0)
    for path in (*sorted((out / CHUNKS).iterdir()), out / MANIFEST, out / COMPLETE):
        whole = path.read_bytes()
        for at in rng.integers(len(whole.rstrip()), size=8):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << int(rng.integers(8))
            path.write_bytes(damaged)
            if path.suffix == ".json" and _says_the_same(damaged, whole):
                continue
            with pytest.raises((DamageError, SettingError)) as caught:
                verify(out, 0, 0)
            assert path.stem in str(caught.value)
        path.write_bytes(whole)
    assert len(verify(out, 0, 0)) == 1


def _says_the_same(one, other):
    try:
        return json.loads(one) == json.loads(other)
    except ValueError:
        return False


def test_a_chunk_that_is_gone_is_damage_in_a_complete_run_only(out):
    (out / CHUNKS / "v000000-r000000002.json").unlink()
    with pytest.raises(DamageError, match="v000000-r000000002"):
        verify(out, 0, 0)
    (out / COMPLETE).unlink()
    assert "2 of 3 chunks as they were written; not complete" in verify(out, 3, 0)[0]


@pytest.mark.slow
def test_damage_is_made_good_by_the_command_that_is_offered(out, monkeypatch, capsys, files):
    monkeypatch.chdir(out.parent)
    before = data_hash(out)
    (out / CHUNKS / "v000000-r000000002.npz").write_bytes(b"nothing")
    assert run_command(["verify", "out"]) == 4
    offered = capsys.readouterr().err.partition("`sim ")[2].partition("`")[0]
    (out / COMPLETE).unlink()
    assert run_command(shlex.split(offered)) == 0
    assert data_hash(out) == before
    assert run_command(["verify", "out", "sample=1"]) == 0


# Jobs ------------------------------------------------------------------------------------------------------------------------


def test_jobs_are_verified_batch_by_batch(files, tmp_path):
    out = tmp_path / "out"
    said = [*SAID, "seed=1,2", "dynamics.vigilance=interval(0,2)", "draws=2", "dynamics.relay=0,1", "engine.chunk=3"]
    done = jobs.write_jobs(out, expand_jobs(said, files), lambda: nullcontext(None))
    lines = verify(out, 100, 0)
    assert "4 of 4 jobs" in lines[0] and len(lines) == 4
    assert verify(out / done[0].name, 2, 0)[-1].count("r00000") == 2
    assert len({data_hash(out / job.name) for job in done}) == 4
    with pytest.raises(SettingError, match="several jobs"):
        data_hash(out)
    file = out / done[3].name / "job.json"
    file.write_text(file.read_text().replace('"variants"', '"variant"'))
    with pytest.raises(DamageError, match=done[3].name):
        verify(out, 0, 0)


# Hash ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("record", ["trajectories", "decomposition", "summaries"])
def test_one_hash_however_a_run_is_cut(files, tmp_path, record):
    said = ["shock=[everything]", "dynamics.vigilance=0,1", "replicates=600", "end=2022-05", f"record={record}"]
    hashes = {cut: data_hash(write(files, tmp_path / str(cut), *said, f"engine.chunk={cut}")) for cut in (0, 77, 600)}
    assert len(set(hashes.values())) == 1
    assert hashes[0] != data_hash(write(files, tmp_path / "other", *said, "seed=1"))


def test_the_hash_is_of_the_arrays_in_the_order_that_is_documented(written):
    import hashlib

    ds, whole = open_results(written), hashlib.sha256()
    for name in sorted(map(str, ds.data_vars)):
        array = ds[name].values
        whole.update(f"{name} <f8 {array.shape}\n".encode())
        for variant in array:
            for world in variant:
                whole.update(hashlib.sha256(world.astype("<f8").tobytes(order="C")).digest())
    assert data_hash(written) == whole.hexdigest()


# Status ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_status_says_how_far_a_folder_is(out, capsys):
    assert status(out) == [f"{out}: complete", "3 of 3 chunks, 18 of 18 replicates"]
    (out / COMPLETE).unlink()
    (out / CHUNKS / "v000000-r000000004.json").unlink()
    (out / CHUNKS / "v000000-r000000002.npz").write_bytes(b"nothing")
    with hold(out):
        lines = status(out)
    assert lines[0] == f"{out}: being written"
    assert lines[1:3] == ["1 of 3 chunks, 6 of 18 replicates", "damaged: v000000-r000000002"]
    assert lines[3].startswith("in use by process ")
    lines = status(out)
    assert lines[0] == f"{out}: not complete" and len(lines) == 4
    assert run_command(shlex.split(lines[-1].partition("sim ")[2])) == 0
    assert status(out)[0] == f"{out}: complete"
    (out / CHUNKS / "v000000-r000000002.npz").write_bytes(b"nothing")
    assert status(out)[0] == f"{out}: not complete", "what was complete and is damaged"
    assert run_command(shlex.split(status(out)[-1].partition("sim ")[2])) == 0
    assert status(out)[0] == f"{out}: complete"
    capsys.readouterr()


def test_status_of_jobs_and_the_command_that_goes_on(files, tmp_path, capsys):
    out = tmp_path / "a place"
    done = jobs.write_jobs(out, expand_jobs([*SAID, "dynamics.vigilance=0,1,2"], files), lambda: nullcontext(None))
    assert status(out) == [
        f"{out}: complete",
        "jobs: 3 of 3 complete, jobs.csv lists them",
        "batch 0: 1 of 1 chunks, 18 of 18 replicates",
    ]
    assert status(out / done[1].name)[0] == f"{out / done[1].name}: complete"
    shutil.rmtree(out / done[1].name)
    lines = status(out)
    assert lines[:2] == [f"{out}: not complete", "jobs: 2 of 3 complete, jobs.csv lists them"]
    assert run_command(shlex.split(lines[-1].partition("sim ")[2])) == 0
    assert status(out)[0] == f"{out}: complete"
    next(out.glob(f"batches/0/{CHUNKS}/*.npz")).write_bytes(b"nothing")
    at = out / "batches" / "0"
    assert shlex.split(status(at)[-1].partition("sim ")[2]) == shlex.split(status(out)[-1].partition("sim ")[2])
    with pytest.raises(DamageError, match=f"without {at / COMPLETE}, `sim run -m "):
        verify(out / done[0].name, 0, 0)
    lines = status(out)
    assert lines[:2] == [f"{out}: not complete", "jobs: 3 of 3 complete, jobs.csv lists them"]
    assert run_command(shlex.split(lines[-1].partition("sim ")[2])) == 0
    assert status(out)[0] == f"{out}: complete"
    capsys.readouterr()


# The commands ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["verify", "nowhere"], ["nowhere", "no results folder"]),
        (["status", "nowhere"], ["nowhere", "no results folder"]),
        (["verify", "out", "sample=few"], ["arguments: sample", "whole numbers"]),
        (["verify", "out", "samples=1"], ["arguments: samples"]),
        (["verify", "out", "--hash", "seed=1"], ["--hash"]),
        (["verify"], ["DIR"]),
    ],
)
def test_what_cannot_be_looked_at_is_one_message(out, monkeypatch, capsys, argv, words):
    monkeypatch.chdir(out.parent)
    assert run_command(argv) == 2
    wrong = capsys.readouterr().err
    assert len(wrong.splitlines()) <= 6 and all(word in wrong for word in words), wrong


def test_the_commands_print_what_they_found(out, monkeypatch, capsys):
    monkeypatch.chdir(out.parent)
    assert run_command(["verify", "out", "--hash"]) == 0
    assert capsys.readouterr().out == data_hash(out) + "\n"
    assert run_command(["verify", "out", "sample=2"]) == 0
    said = capsys.readouterr().out
    again = shlex.split(said.rpartition("(")[2].partition(")")[0])
    assert run_command(["verify", "out", *again]) == 0
    assert capsys.readouterr().out == said
    assert run_command(["status", "out"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "out: complete"
