"""Folders that were edited and sealed again are refused or right; tables and figures are in the promise; what is not ours stays."""

import json
import os
import shlex
import shutil
import zipfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from experiments.reliability import damage as faults
from sim.commands import identity, jobs, writing
from sim.commands.cli import run_command
from sim.commands.status import status
from sim.commands.verify import verify
from sim.commands.writing import run_variant
from sim.compose.expand import expand_jobs
from sim.errors import DamageError, SettingError
from sim.results import manifest, packing, receipts
from sim.results.chunking import Task, join_sums, join_worlds, uncovered
from sim.results.locks import hold
from sim.results.manifest import MANIFEST, read_manifest
from sim.results.packing import Form, packed, unpacked
from sim.results.reading import open_results
from sim.results.receipts import COMPLETE

pytestmark = pytest.mark.slow

SAID = ["region=toy", "shock=[]", "replicates=6", "end=2022-04", "dynamics.vigilance=0.5,1", "engine.chunk=2", "out=out"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A sweep of two variants in three chunks, only to read."""
    folder = tmp_path_factory.mktemp("written")
    before = Path.cwd()
    os.chdir(folder)
    assert run_command(["sweep", *SAID]) == 0
    os.chdir(before)
    return folder / "out"


@pytest.fixture
def out(written, tmp_path, monkeypatch, capsys):
    """A copy of it, to damage, in the folder of the command."""
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    return Path(shutil.copytree(written, tmp_path / "out"))


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Words that do not hold together ---------------------------------------------------------------------------------------------


def without(name):
    return lambda words: words.pop(name)


def put(value, *path):
    def change(words):
        at = words
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return change


EDITS = {
    "a chunk twice": lambda words: words["chunks"].append(words["chunks"][0]),
    "a chunk twice, one missing": lambda words: words["chunks"].__setitem__(1, words["chunks"][0]),
    "a chunk missing": lambda words: words["chunks"].pop(),
    "no chunk": put([], "chunks"),
    "a chunk of no world": put([0, 2, 2, 2], "chunks", 0),
    "a chunk of text": put("0022", "chunks", 0),
    "a chunk of more than there is": put([0, 2, 4, 10**12], "chunks", 2),
    "chunks of other variants": put([[0, 1, 0, 2], [0, 2, 2, 4], [0, 2, 4, 6]], "chunks"),
    "a variable missing": lambda words: words["variables"].pop(),
    "a variable unknown": put("wealth", "variables", 0),
    "variables of another order": lambda words: words["variables"].reverse(),
    "no coordinates": without("coordinates"),
    "no attributes": without("attributes"),
    "a month missing": lambda words: (words["coordinates"]["time"].pop(), words["coordinates"]["period"].pop()),
    "months backwards": lambda words: words["coordinates"]["time"].reverse(),
    "a month that is none": put("2022-13-01", "coordinates", "time", 1),
    "a state more": lambda words: [words["coordinates"][axis].append("x") for axis in ("state", "peer")],
    "states swapped": lambda words: [words["coordinates"][axis].reverse() for axis in ("state", "peer")],
    "a state that is a number": lambda words: [words["coordinates"][axis].__setitem__(0, 1) for axis in ("state", "peer")],
    "a replicate more": lambda words: (words["coordinates"]["replicate"].append(6), put(7, "attributes", "replicates")(words)),
    "variants swapped": lambda words: words["coordinates"]["variant"].reverse(),
    "variants alike": lambda words: words["coordinates"]["variant"].__setitem__(0, words["coordinates"]["variant"][1]),
    "a variant renamed": put("x", "coordinates", "variant", 0),
    "a reference that is none": put("x", "beside", "variant", "reference", 0),
    "a column too short": lambda words: words["beside"]["variant"]["scenario_label"].pop(),
    "a column of lists": put([[1], [2]], "beside", "variant", "vigilance"),
    "a column by the name of a variable": put([1, 2], "beside", "variant", "alignment"),
    "colours missing": lambda words: words["beside"]["bloc"].pop("bloc_colour"),
    "another outcome": put("alignment.nowhere.east", "attributes", "outcome"),
    "an outcome that is a table": put({}, "attributes", "outcome"),
    "as many replicates as there are not": put(5, "attributes", "replicates"),
    "another keep": put("summaries", "attributes", "record"),
    "shocks of nothing": put("[]", "attributes", "shocks"),
    "draws that cannot be read": put("{", "attributes", "drawn"),
    "settings of another seed": put(7, "settings", "shared", "seed"),
    "settings without variants": put({}, "settings", "variants"),
    "settings that are none": put(None, "settings"),
    "a place that is a number": put(3, "place"),
    "the words of several jobs": put({"0_x": [0, 3]}, "jobs"),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("fit", [False, True], ids=["sealed", "sealed with its receipt"])
def test_words_that_were_edited_and_sealed_again_are_damage(out, edit, fit):
    words = read_manifest(out)
    EDITS[edit](words)
    faults.reseal(out, words, fit)
    if fit:
        faults._relabel(out, words)
    with pytest.raises(DamageError):
        open_results(out)


@pytest.mark.parametrize(
    "edit", ["a chunk twice, one missing", "no coordinates", "a state that is a number", "settings that are none"]
)
def test_every_verb_refuses_edited_words_by_name(out, capsys, edit):
    words = read_manifest(out)
    EDITS[edit](words)
    faults.reseal(out, words, fit=True)
    for argv in (["status"], ["verify"], ["compare"], ["explain"], ["clean"], ["figures"]):
        assert run_command([*argv, "out"]) == 4, argv
        assert "manifest.json" in capsys.readouterr().err


def test_words_that_label_arrays_otherwise_are_damage_while_a_receipt_says_so(out):
    """Consistent in themselves: only the receipts of the chunks know that other words were theirs."""
    words = read_manifest(out)
    words["beside"]["bloc"]["bloc_label"].reverse()
    words["attributes"]["title"] = "Another"
    faults.reseal(out, words, fit=True)
    with pytest.raises(DamageError, match="v000000"):
        open_results(out)


@pytest.mark.parametrize("size", ["10" * 300, "1e999", "-1", "NaN"])
def test_numbers_that_no_word_takes_are_damage(out, size):
    text = (out / MANIFEST).read_text().replace('"periods_per_year": 12', f'"periods_per_year": {size}')
    words = json.loads(text)
    words.pop(manifest.SEAL)
    faults.reseal(out, words, fit=True)
    with pytest.raises(DamageError):
        open_results(out)


JOBS = ["region=toy", "end=2022-03", "replicates=3", "dynamics.vigilance=0.5,1", "out=out"]


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Two jobs, only to read."""
    folder = tmp_path_factory.mktemp("several") / "out"
    jobs.write_jobs(folder, expand_jobs(JOBS), lambda: nullcontext(None))
    return folder


@pytest.mark.parametrize(
    "change",
    [
        put([1, 2], "variants"),
        put([0, 2], "variants"),
        put([0], "variants"),
        put("x", "label"),
        put("../../elsewhere", "batch"),
        put("../batches/0/../0", "batch"),
        put(7, "batch"),
        put([0, 99], "contributions"),
        put(None, "attributes"),
        put("1_baseline_vigilance_1", "job"),
    ],
)
def test_the_words_of_a_job_are_a_share_of_its_batch(several, tmp_path, change):
    out = Path(shutil.copytree(several, tmp_path / "out"))
    job = out / "0_baseline_vigilance_0.5"
    words = manifest.unsealed(job / manifest.JOB)
    change(words)
    (job / manifest.JOB).write_bytes(manifest.sealed(words))
    with pytest.raises(DamageError, match=r"job\.json"):
        open_results(job)


@pytest.mark.parametrize("names", [["../../x"], "x", [1], ["0_x", "0_x"]])
def test_the_words_of_several_jobs_name_folders_of_jobs(several, tmp_path, names):
    out = Path(shutil.copytree(several, tmp_path / "out"))
    words = read_manifest(out)
    (out / MANIFEST).write_bytes(manifest.sealed({**words, "jobs": names}))
    with pytest.raises(DamageError, match="jobs"):
        status(out)


# Chunks that do not hold together ----------------------------------------------------------------------------------------------


def test_a_chunk_of_another_run_is_damage_also_where_its_receipt_was_made_to_fit(out, tmp_path):
    chunks = sorted((out / "chunks").glob("*.npz"))
    faults.put(chunks[0], chunks[1].read_bytes())
    with pytest.raises(DamageError, match=chunks[0].stem):
        open_results(out)


def test_a_run_whose_receipt_is_gone_is_not_complete(out):
    (out / COMPLETE).unlink()
    with pytest.raises(SettingError, match="is not complete"):
        open_results(out)


CHANGED = {
    "a variable missing": lambda arrays: arrays.pop("legacy"),
    "a variable more": lambda arrays: arrays.update(wealth=arrays["legacy"]),
    "fewer worlds": lambda arrays: arrays.update(legacy=arrays["legacy"][..., :0]),
    "axes turned": lambda arrays: arrays.update(legacy=arrays["legacy"].T),
    "whole numbers": lambda arrays: arrays.update(legacy=arrays["legacy"].astype(int)),
    "infinity": lambda arrays: arrays["legacy"].flat.__setitem__(3, np.inf),
    "not a number": lambda arrays: arrays["legacy"].flat.__setitem__(3, np.nan),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_chunk_that_holds_other_arrays_than_its_run_is_damage_though_every_seal_fits(out, change):
    path = sorted((out / "chunks").glob("*.npz"))[0]
    arrays = {name: array.copy() for name, array in unpacked(path.read_bytes()).items()}
    CHANGED[change](arrays)
    faults.put(path, packed(arrays))
    said = receipts.read(out / COMPLETE)
    said["chunks"][path.stem] = json.loads(path.with_suffix(".json").read_text())["sha256"]
    (out / COMPLETE).write_text(json.dumps(said))
    with pytest.raises(DamageError, match=path.stem):
        open_results(out)


def test_chunks_hold_each_world_once():
    cut = [Task((0, 2), (0, 3)), Task((2, 5), (0, 3)), Task((0, 5), (3, 4))]
    assert uncovered(cut, 5, 4) == ""
    assert "variants 2 to 4" in uncovered([cut[0], cut[2]], 5, 4)
    assert "twice" in uncovered([*cut, cut[0]], 5, 4)
    assert uncovered([cut[0], cut[0], cut[2]], 5, 4) and uncovered([], 5, 4)


def test_arrays_are_joined_only_where_chunks_are_one_run():
    ones = np.ones((3, 2, 2))
    two = [(Task((0, 2), (0, 2)), {"tie": ones}), (Task((0, 2), (2, 4)), {"tie": ones})]
    assert join_worlds(two, 2, 4)["tie"].shape == (2, 4, 3)
    for wrong in (
        two[:1],
        [two[0], two[0]],
        [two[0], (two[1][0], {"road": ones})],
        [two[0], (two[1][0], {"tie": np.ones((4, 2, 2))})],
        [two[0], (two[1][0], {"tie": ones.astype(np.float32)})],
        [(task, {"tie": (low + 1) * np.ones((3, 2, 1))}) for (task, _), low in zip(two, (0, 1), strict=True)],
    ):
        with pytest.raises(DamageError):
            join_worlds(wrong, 2, 4)
    folded = [(Task((0, 1), (0, 4)), {"tie": np.ones((5, 3, 1))}), (Task((1, 2), (0, 4)), {"tie": np.ones((5, 3, 1))})]
    assert join_sums(folded, 2, 4)["tie"].shape == (2, 5, 3)
    for wrong in (folded[:1], [folded[0], folded[0]]):
        with pytest.raises(DamageError):
            join_sums(wrong, 2, 4)


def test_what_is_not_a_number_is_taken_only_of_measures_that_a_region_may_lack():
    arrays = {"measure": np.array([1.0, np.nan]), "stock": np.array([1.0, 2.0]), "sums": np.array([1, 2])}
    forms = {"measure": Form((2,), "f", gaps=True), "stock": Form((2,), "f"), "sums": Form((2,), "i")}
    assert unpacked(packed(arrays), forms).keys() == arrays.keys()
    for name, value in (("measure", np.inf), ("stock", np.nan), ("sums", np.iinfo(np.int64).min)):
        wrong = {**arrays, name: arrays[name].copy()}
        wrong[name][0] = value
        with pytest.raises(ValueError, match=name):
            unpacked(packed(wrong), forms)


# Rows that stand once ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8"])
def test_rows_that_are_repeated_stand_once_and_come_back_to_the_bit(dtype):
    rng = np.random.default_rng(0)
    one = (1000 * rng.normal(size=(6, 1, 100))).astype(dtype)
    arrays = {
        "same": np.repeat(one, 4, axis=1),
        "own": rng.normal(size=(6, 4, 100)),
        "none": np.zeros((0, 4, 100)),
        "short": one[..., :2],
    }
    arrays["same"][0, 0, :3] = [0.0, -0.0, 0.0]
    content = packed(arrays)
    assert len(content) < sum(array.nbytes for array in arrays.values()) - arrays["same"].nbytes // 2
    found = unpacked(content, {name: Form(array.shape, array.dtype.kind) for name, array in arrays.items()})
    assert all(found[name].tobytes() == array.tobytes() and found[name].dtype == array.dtype for name, array in arrays.items())
    assert packed({name: array.copy() for name, array in arrays.items()}) == content


def test_with_numpy_alone_a_chunk_is_read_in_one_line(out):
    path = sorted((out / "chunks").glob("*.npz"))[0]
    truth = unpacked(path.read_bytes())
    with np.load(path) as arrays:
        for name, array in truth.items():
            rows = f"{name}.rows"
            assert np.array_equal(arrays[name][arrays[rows]] if rows in arrays else arrays[name], array)


@pytest.mark.parametrize("rows", [[0, 5], [-1, 0], [[0], [1]], [0.0, 1.0]])
def test_rows_that_are_not_there_are_damage(rows):
    content = packed({"a": np.arange(80.0).reshape(2, 40), "a.rows": np.array(rows)})
    with pytest.raises(ValueError, match=r"rows|claims|is "):
        unpacked(content, {"a": Form((2, 40), "f")})


def test_a_chunk_that_claims_a_huge_array_is_refused_before_memory_is_taken(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as parts, parts.open("a.npy", "w") as part:
        np.lib.format.write_array_header_1_0(part, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)})
        part.write(b"\0" * 64)
    with pytest.raises(ValueError, match="does not match its content"):
        unpacked((tmp_path / "bomb.npz").read_bytes())
    wide = packed({"a": np.ones((1, 1000)), "a.rows": np.zeros(1000, np.int32)})
    with pytest.raises(ValueError, match="a is f"):
        unpacked(wide, {"a": Form((10, 1000), "f")})


# Tables and figures ------------------------------------------------------------------------------------------------------------


def _edit(path):
    path.write_text(path.read_text("utf-8").replace("0", "1", 1), encoding="utf-8")


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("summary.csv", _edit),
        ("summary.csv", Path.unlink),
        ("config.yaml", _edit),
        ("figures/effects.png", _flip),
        ("figures", shutil.rmtree),
    ],
)
def test_tables_and_figures_are_noticed_and_made_again_without_simulating(out, capsys, monkeypatch, name, damage):
    before = files(out)
    damage(out / name)
    assert status(out)[0] == f"{out}: not complete" and name in "\n".join(status(out))
    with pytest.raises(DamageError, match=name):
        verify(out, 0, 0)
    open_results(out)  # the numbers are there
    monkeypatch.setattr(writing, "simulated", None)
    assert run_command(["sweep", *SAID]) == 0
    said = capsys.readouterr().out
    assert f"made again from the chunks: {name}" in said and "already complete: out" in said
    assert files(out) == before and status(out)[0] == f"{out}: complete" and len(verify(out, 0, 0)) == 1


def test_draws_are_in_the_promise(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    said = [
        "sweep",
        "region=toy",
        "shock=[]",
        "dynamics.vigilance=interval(0,1)",
        "draws=2",
        "replicates=1",
        "end=2022-02",
        "out=out",
    ]
    assert run_command(said) == 0
    before = files(tmp_path / "out")
    _edit(tmp_path / "out" / "draws.csv")
    assert run_command(["verify", "out", "sample=0"]) == 4 and "draws.csv has changed" in capsys.readouterr().err
    assert run_command(said) == 0 and files(tmp_path / "out") == before


def test_a_receipt_that_lists_less_is_noticed(out):
    said = receipts.read(out / COMPLETE)
    del said["files"]["summary.csv"]
    (out / COMPLETE).write_text(json.dumps(said))
    (out / "summary.csv").unlink()
    with pytest.raises(DamageError, match=r"summary\.csv is not listed"):
        verify(out, 0, 0)
    assert run_command(["sweep", *SAID]) == 0 and len(verify(out, 0, 0)) == 1


def test_the_tables_of_jobs_and_comparisons_are_in_the_promise(several, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    out = Path(shutil.copytree(several, tmp_path / "out"))
    first, second = (f"out/{name}" for name in read_manifest(out)["jobs"])
    argv = ["compare", first, second, "out=both"]
    assert run_command(argv) == 0
    before, pair = files(out), files(Path("both"))
    for path in (out / "jobs.csv", Path(first) / "final.csv", Path(second) / "config.yaml", out / "batches" / "0" / "config.yaml"):
        capsys.readouterr()
        _edit(path)
        assert status(out)[0] == f"{out}: not complete"
        assert run_command(["verify", "out", "sample=0"]) == 4, path
        assert path.name in capsys.readouterr().err
        assert run_command(["run", "-m", *JOBS]) == 0
        assert files(out) == before, path
    for name in ("differences.csv", "figures/comparison.png"):
        (Path("both") / name).unlink()
        assert f"{name} is missing" in "\n".join(status(Path("both")))
        assert run_command(["verify", "both"]) == 4
        assert run_command(argv) == 0
        assert files(Path("both")) == pair
    assert run_command(argv) == 0 and "already complete: both" in capsys.readouterr().out


# What is not ours --------------------------------------------------------------------------------------------------------------

OWN = ("figures/mine.png", "figures/notes.txt", "notes.txt", "chunks/notes.txt", "chunks/v-r.txt", ".draft/notes.txt", ".mine")


def own_files(out):
    for name in OWN:
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("mine")
    return {name: "mine" for name in OWN}


def kept(out):
    return {name: (out / name).read_text() for name in OWN if (out / name).is_file()}


@pytest.mark.slow
def test_files_of_a_user_are_never_removed(out):
    mine = own_files(out)
    for damage in (
        lambda: (out / "figures" / "effects.png").unlink(),
        lambda: sorted((out / "chunks").glob("*.npz"))[0].write_bytes(b"nothing"),
        lambda: run_command(["clean", "out"]),
        lambda: run_command(["clean", "out", "--tables"]),
        lambda: run_command(["figures", "out"]),
    ):
        damage()
        assert kept(out) == mine
        assert run_command(["sweep", *SAID]) == 0
        assert kept(out) == mine and status(out)[0] == f"{out}: complete"


@pytest.mark.parametrize("name", ["summary.csv", "figures/effects.png", "figures"])
def test_a_file_of_a_user_in_the_place_of_ours_is_refused_by_name_and_stays(out, capsys, name):
    assert run_command(["clean", "out", "--tables"]) == 0
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("mine")
    capsys.readouterr()
    assert run_command(["sweep", *SAID]) == 2
    assert name in capsys.readouterr().err and (out / name).read_text() == "mine"
    assert not [path for path in out.iterdir() if path.name.startswith(".draft")]
    (out / name).unlink()
    assert run_command(["sweep", *SAID]) == 0 and status(out)[0] == f"{out}: complete"


def test_nothing_is_written_or_removed_behind_a_link(out, tmp_path):
    elsewhere = Path(shutil.move(out / "figures", tmp_path / "elsewhere"))
    (out / "figures").symlink_to(elsewhere)
    before = files(elsewhere)
    for trust in ([], ["--trust-place"]):
        assert run_command(["figures", "out", *trust]) == 2
        assert run_command(["sweep", *SAID, *trust]) == 2
        assert run_command(["clean", "out", "--tables", *trust]) == (0 if trust else 2)
        assert files(elsewhere) == before


@pytest.mark.parametrize("name", ["../mine.txt", "/etc/mine.txt", "figures/../../mine.txt", "figures/a/b.txt", "..", ""])
def test_a_receipt_that_lists_files_elsewhere_is_not_believed(out, tmp_path, name):
    (tmp_path / "mine.txt").write_text("mine")
    said = receipts.read(out / COMPLETE)
    said["files"][name] = receipts.entry_of(tmp_path / "mine.txt")
    (out / COMPLETE).write_text(json.dumps(said))
    assert name not in receipts.listed(out)
    assert run_command(["clean", "out", "--tables"]) == 0 and (tmp_path / "mine.txt").read_text() == "mine"


def test_a_table_that_a_user_changed_is_not_cleaned_away(out, capsys):
    _edit(out / "summary.csv")
    content = (out / "summary.csv").read_bytes()
    assert run_command(["clean", "out", "--tables"]) == 0
    assert "left as it is: out/summary.csv has changed" in capsys.readouterr().out and (out / "summary.csv").read_bytes() == content


# sim clean and sim figures -------------------------------------------------------------------------------------------------------


def test_clean_says_what_goes_and_the_command_that_makes_it_again(out, capsys):
    before = files(out)
    assert run_command(["clean", "out", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "chunks, 6 files" in said and "would free" in said and files(out) == before
    assert run_command(["clean", "out"]) == 0
    said = capsys.readouterr().out
    assert set(before) - set(files(out)) == {name for name in before if name.startswith("chunks/")} | {"complete.json"}
    assert status(out)[0] == f"{out}: not complete"
    with pytest.raises(SettingError, match="0 of 3 chunks"):
        open_results(out)
    assert run_command(["clean", "out"]) == 0 and "nothing to remove" in capsys.readouterr().out
    assert run_command(shlex.split(said.rpartition("again: sim ")[2])) == 0
    assert files(out) == before


def test_clean_takes_all_jobs_together(several, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    out = Path(shutil.copytree(several, tmp_path / "out"))
    before, job = files(out), read_manifest(out)["jobs"][0]
    for part in (f"out/{job}", "out/batches/0"):
        assert run_command(["clean", part]) == 2 and "the folder of all jobs: out" in capsys.readouterr().err
    for more in ([], ["--tables"]):
        assert run_command(["clean", "out", *more]) == 0
        assert not list(out.rglob("*.npz")) and (out / job / "final.csv").exists() == (not more)
        assert run_command(["run", "-m", *JOBS]) == 0
        assert files(out) == before


def test_clean_refuses_what_is_no_run_of_its_own(out, tmp_path, capsys):
    with hold(out):
        assert run_command(["clean", "out"]) == 2 and "is writing it" in capsys.readouterr().err
        assert run_command(["figures", "out"]) == 2
    (tmp_path / "mine").mkdir()
    assert run_command(["clean", "mine"]) == 2 and "no results folder" in capsys.readouterr().err
    assert run_command(["compare", "out", "out=both"]) == 0
    assert run_command(["clean", "both"]) == 2
    assert run_command(["sweep", *SAID[:-1], "engine.chunks=file://" + str(tmp_path / "away"), "out=far"]) == 0
    assert run_command(["clean", "far"]) == 2 and "--trust-place" in capsys.readouterr().err
    assert run_command(["clean", "far", "--trust-place"]) == 2 and "nothing outside a folder is removed" in capsys.readouterr().err


def test_figures_are_drawn_anew_without_simulating(out, several, tmp_path, capsys):
    before = files(out)
    for path in (out / "figures").glob("*.png"):
        path.write_bytes(b"old")
    assert run_command(["figures", "out"]) == 0
    assert "drawn: out/figures/effects.png" in capsys.readouterr().out
    assert files(out) == before and len(verify(out, 0, 0)) == 1
    shutil.copytree(several, "jobs")
    job = read_manifest(Path("jobs"))["jobs"][0]
    assert run_command(["figures", f"jobs/{job}"]) == 0
    assert list(Path(f"jobs/{job}/figures").glob("*.png")) and len(verify(Path("jobs"), 0, 0)) == 2
    assert run_command(["clean", "out"]) == 0 and run_command(["figures", "out"]) == 2


@pytest.mark.slow
def test_a_headline_shrunk_leaves_less_than_its_numbers_take(tmp_path):
    """Until a shock parts them variants on one luck are the same rows: they stand once."""
    from sim.compose.expand import expand
    from sim.engine.plan import Plan

    plan = Plan(expand(["study=headline", "replicates=40", "end=2026-01"]))
    with writing.simulated(tmp_path / "out", plan, {"settings": identity.settings_of(plan.variants)}):
        pass
    ds = open_results(tmp_path / "out")
    kept = sum(path.stat().st_size for path in (tmp_path / "out" / "chunks").iterdir())
    assert kept < 0.55 * sum(ds[name].nbytes for name in ds.data_vars)


def test_one_run_for_programs_still_opens(tmp_path):
    from sim.compose.expand import expand

    (variant,) = expand(["region=toy", "end=2022-02", "replicates=2"])
    ds = run_variant(variant, tmp_path / "out")
    assert ds["alignment"].shape[:2] == (1, 2) and packing.ROWS == ".rows"
