"""Dates from the year 0001 to the year 9999: every instant that a run holds, writes and draws is the one that was asked for."""

import csv

import numpy as np
import pytest
from conftest import effect, shock_folder
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.abm.model import RegionModel
from sim.analysis.compare import compare
from sim.commands.cli import run_command
from sim.compose.expand import expand
from sim.config.dates import YEARS, Window, month, read_date
from sim.engine.runs import simulate
from sim.errors import SettingError
from sim.names import INSTANTS
from sim.results.dataset import differences, summarise
from sim.results.derived import measured, realignments
from sim.results.reading import open_results

WINDOWS = {
    "to 2300": ("2022-01", "2300-01", 1),
    "past nanoseconds, below": ("1600-01", "1700-01", 4),
    "to the last month": ("9990-01", "9999-12", 12),
    "from the first month": ("0001-01", "0009-07", 12),
    "the first month alone": ("0001-01", "0001-02", 12),
    "the last month but one alone": ("9999-11", "9999-12", 12),
    "all there is": ("0001-01", "9999-01", 1),
}


def months_between(first, last, periods_per_year):
    """Every instant between two months, by NumPy's own calendar of months."""
    return np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1, 12 // periods_per_year).astype("datetime64[D]")


def said(window):
    first, last, periods_per_year = WINDOWS[window]
    return ["region=toy", f"region.as_of={first}", f"end={last}", f"periods_per_year={periods_per_year}"]


@pytest.fixture(scope="module", params=WINDOWS)
def run(request):
    """A window's instants by another calendar, and a run over it."""
    return months_between(*WINDOWS[request.param]), simulate(expand([*said(request.param), "replicates=2", "record=trajectories"]))


@pytest.mark.slow
def test_a_run_holds_the_instants_of_its_window(run):
    days, ds = run
    assert ds["time"].dtype == ds["period"].dtype == INSTANTS
    assert np.array_equal(ds["time"].values.astype("datetime64[D]"), days)
    assert np.array_equal(ds["period"].values.astype("datetime64[D]"), days[:-1])


def test_what_is_made_of_a_run_holds_them_too(run):
    days, ds = run
    full = measured(ds)
    made = [full, summarise(full), differences(full), compare(full, full)]
    assert all(np.array_equal(one["time"].values.astype("datetime64[D]"), days) for one in made)
    realigned = full.assign(realigned=full["realigned"].copy(data=np.ones(full["realigned"].shape)))
    dates = realignments(realigned, hold_years=0)["date"]
    assert dates.dtype == INSTANTS
    assert set(dates.values.astype("datetime64[D]").ravel()) <= {days[0], days[1]}


def test_dates_pass_through_pandas_and_back(run):
    days, ds = run
    one = ds["alignment"].isel(variant=0, replicate=0, state=0, bloc=0)
    assert np.array_equal(one.to_series().index.values.astype("datetime64[D]"), days)
    assert one.sel(time=days[-1]).item() == one.values[-1]
    assert np.array_equal(one.sel(time=slice(days[1], None)).values, one.values[1:])


@pytest.mark.slow
@pytest.mark.parametrize("window", [name for name in WINDOWS if name != "all there is"])
def test_the_files_of_a_run_say_them(window, tmp_path, capsys):
    """Tables, comparisons and explanations; the figures are drawn without a warning."""
    first, last, _ = WINDOWS[window]
    days = months_between(*WINDOWS[window]).astype(str).tolist()
    maybe = {"from": days[0], "to": days[-1]}
    shocks = {"one": effect("disposition", "impulse", {"state": "north", "bloc": "east"}, 0.1, date=days[0])}
    shocks["two"] = effect("tie", "step", {"state": "north", "peer": "south"}, 0.1, date=maybe)
    shock_folder(tmp_path, "struck", shocks)
    out = tmp_path / "out"
    own = ["--config-dir", str(tmp_path), f"out={out}"]
    assert run_command(["sweep", *said(window), "shock=[],[struck]", "replicates=3", "record=decomposition", *own]) == 0
    assert f"{first} to {last}" in capsys.readouterr().out
    with (out / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted({row["time"] for row in rows if row["variable"] == "alignment"}) == days
    assert sorted({row["time"] for row in rows if row["variable"] == "effort"}) == days[:-1]
    assert open_results(out)["time"].values.astype("datetime64[D]").astype(str).tolist() == days
    assert run_command(["compare", str(out), f"out={tmp_path / 'compared'}"]) == 0
    assert run_command(["explain", str(out), "north", "east", "variant=struck", f"out={tmp_path / 'explained'}"]) == 0
    shown = capsys.readouterr().out
    assert f"alignment at {last}" in shown
    assert f"{first} to {last}" in shown
    with (tmp_path / "explained" / "explanation.csv").open() as file:
        assert sorted({row["time"] for row in csv.DictReader(file)}) == days
    assert run_command(["explain", str(out), "variant=struck", f"out={tmp_path / 'told'}"]) == 0
    assert f"{first}  " in capsys.readouterr().out
    assert run_command(["verify", str(out)]) == 0
    assert run_command(["run", "-m", *said(window), "dynamics.vigilance=0.5,1", "replicates=2", f"out={tmp_path / 'jobs'}"]) == 0


def test_a_month_is_said_with_four_digits_of_its_year():
    assert month(read_date("0001-02")) == "0001-02"


def test_the_mesa_model_reaches_the_last_month():
    region = RegionModel(expand(["region=toy", "region.as_of=9999-10", "end=9999-12"])[0].config)
    region.step()
    region.step()
    assert region.date == "9999-12-01"


@given(st.integers(0, 9998 * 12 + 10), st.integers(1, 600), st.sampled_from([1, 2, 3, 4, 6, 12]))
@settings(max_examples=300, deadline=None)
def test_instants_are_those_of_another_calendar(begin, periods, periods_per_year):
    first = np.datetime64("0001-01", "M") + begin
    days = first + np.arange(periods + 1) * (12 // periods_per_year)
    days = days[days <= np.datetime64("9999-12", "M")].astype("datetime64[D]").astype(str).tolist()
    if len(days) > 1:
        window = Window(read_date(days[0]), read_date(days[-1]), periods_per_year)
        assert [day.isoformat() for day in window.instants] == days
        assert window.years(window.end) * periods_per_year == pytest.approx(window.periods, abs=1e-9)


@given(st.dates(), st.sampled_from([24, 36, 48]))
@settings(max_examples=200, deadline=None)
def test_instants_inside_months_split_each_month_in_order(day, periods_per_year):
    start = day.replace(day=1)
    if (start.year, start.month) == (9999, 12):
        return
    following = start.replace(month=start.month + 1) if start.month < 12 else start.replace(year=start.year + 1, month=1)
    found = Window(start, following, periods_per_year).instants
    assert found[0] == start
    assert found[-1] == following
    assert found == sorted(set(found))
    assert all((one.year, one.month) == (start.year, start.month) for one in found[:-1])


@pytest.mark.parametrize("text", ["10000-01", "0000-01", "0000-12-31", "-0001-01", "+2025-01", "12025-01-01", "99999-12", "987-06"])
@pytest.mark.parametrize("key", ["end", "start", "region.as_of"])
def test_another_year_is_refused_with_the_years_that_there_are(key, text):
    with pytest.raises(SettingError) as caught:
        expand(["region=toy", f"{key}={text}"])
    assert caught.value.key == key
    assert text in str(caught.value)
    assert YEARS in str(caught.value)


def test_a_shock_in_another_year_is_refused(tmp_path):
    for date in ("10000-01", {"from": "9000-01", "to": "10001-01"}):
        late = effect("tie", "step", {"state": "north", "peer": "south"}, 0.1, date=date)
        with pytest.raises(SettingError, match="years 0001 to 9999"):
            expand(["region=toy", "shock=[late]"], shock_folder(tmp_path, "late", {"e": late}))


def test_digits_of_other_scripts_are_no_date():
    with pytest.raises(ValueError, match="is not a date"):
        read_date("\uff12\uff10\uff12\uff15-01")
