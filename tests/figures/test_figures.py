"""Figures: what they draw is what the results hold, and nothing on them is lost, cut off or drawn over something else."""

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import xarray as xr
import yaml
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

from sim.analysis.compare import compare
from sim.compose.expand import expand, from_tables
from sim.engine.runs import simulate
from sim.errors import SettingError
from sim.figures import compare as contrasts
from sim.figures import run
from sim.figures.sheet import save
from sim.results import dataset
from sim.results.dataset import summarise
from sim.results.derived import measured

SHOCKS = {
    "raid": ("Raid of $5_000 & more", "2023-03-10", {"target": "tie", "who": {"state": "north", "peer": "south"}, "size": -0.3}),
    "fair": ("Fair", "2025-06-01", {"target": "strain_war", "who": {"bloc": "east"}, "size": 0.4}),
}
SCENARIOS = {"raid": ["raid"], "fair": ["fair"], "both": ["raid", "fair"]}
OTHERS = list(SCENARIOS)
T_11 = 2.200985160082949
"""The 97.5 % point of Student's t with 11 degrees of freedom, from a table."""
UNITS = {"tie": "tie", "strain_war": "share of means"}


def write_configs(folder: Path) -> Path:
    for group in ("shock", "scenario"):
        (folder / group).mkdir()
    for name, (label, day, effect) in SHOCKS.items():
        size = effect["size"]
        rest = {"date": day, "kind": "step", "unit": UNITS[effect["target"]], "source": "judgement"}
        effect = effect | rest | {"range": sorted([size / 2, size * 1.2])}
        content = {name: {"label": label, "effects": {"only": effect}}}
        (folder / "shock" / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    for name, shocks in SCENARIOS.items():
        content = {"defaults": [{"/shock": shocks}], "scenario": {"name": name, "label": f"The {name}"}}
        (folder / "scenario" / f"{name}.yaml").write_text("# @package _global_\n" + yaml.safe_dump(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Results of the toy region by what is said beside the four scenarios."""
    folder = write_configs(tmp_path_factory.mktemp("configs"))
    kept = {}

    def make(*said: str) -> xr.Dataset:
        if said not in kept:
            scenarios = [] if any(word.startswith("scenario=") for word in said) else ["scenario=baseline,raid,fair,both"]
            base = ["region=toy", "end=2027-01", "periods_per_year=4"]
            kept[said] = simulate(expand([*base, *scenarios, *said], config_dir=folder))
        return kept[said]

    return make


@pytest.fixture(scope="module")
def ds(made):
    return made("replicates=12")


@pytest.fixture(scope="module")
def effects(ds):
    return dataset.differences(ds)


def lines(ax) -> list[Any]:
    """The means of a panel by bloc; marks and lines at zero carry a gid."""
    return [line for line in ax.lines if not line.get_gid()]


def bands(ax) -> list[Any]:
    return [item for item in ax.collections if isinstance(item, PolyCollection)]


def edges(band: Any, count: int) -> tuple[Any, Any]:
    """The lower and upper edge of a band."""
    points = band.get_paths()[0].vertices
    return points[1 : count + 1, 1], points[count + 2 : 2 * count + 2, 1][::-1]


def said(figure):
    """All words of a figure."""
    texts = [text for on in (figure, *figure.axes, *figure.legends) for text in on.findobj(Text)]
    return [" ".join(text.get_text().split()) for text in texts if text.get_text()]


def sentence(figure):
    return " ".join(said(figure))


def look(figure):
    """What a figure shows, for comparing two of them."""
    drawn = [(np.asarray(line.get_ydata()).tolist(), to_hex(line.get_color())) for ax in figure.axes for line in ax.lines]
    return drawn, said(figure)


# Trajectories -----------------------------------------------------------------------------------------------------------------


def test_trajectories_are_the_means_and_quantiles_of_the_replicates(ds):
    figure = run.plot_trajectories(ds, "both")
    values = ds["alignment"].sel(variant="both").values
    assert len(figure.axes) == 4
    for ax, (state, bloc) in zip(figure.axes, itertools.product(range(2), range(2)), strict=True):
        (line,), (band,) = lines(ax), bands(ax)
        worlds = values[:, :, state, bloc]
        np.testing.assert_array_equal(line.get_xdata(), ds["time"].values)
        np.testing.assert_allclose(line.get_ydata(), worlds.mean(axis=0), atol=1e-12)
        for edge, share in zip(edges(band, worlds.shape[1]), (0.05, 0.95), strict=True):
            np.testing.assert_allclose(edge, np.quantile(worlds, share, axis=0, method="median_unbiased"), atol=1e-12)
        opening: Any = next(line for line in ax.lines if line.get_gid() == "opening")
        np.testing.assert_allclose(opening.get_ydata(), worlds[0, 0], atol=1e-12)


def test_trajectories_of_results_and_of_their_summary_are_the_same(ds):
    assert look(run.plot_trajectories(ds, "raid")) == look(run.plot_trajectories(dataset.summarise(ds), "raid"))


def test_all_variants_of_a_run_share_one_axis_that_holds_every_band(ds):
    limits = {ax.get_ylim() for label in ("baseline", "both") for ax in run.plot_trajectories(ds, label).axes}
    assert len(limits) == 1
    low, high = limits.pop()
    shares = ds["alignment"].quantile([0.05, 0.95], dim="replicate", method="median_unbiased")
    assert low < float(shares.min()) and float(shares.max()) < high


@pytest.mark.parametrize(("variant", "numbers"), [("baseline", []), ("raid", [1]), ("fair", [2]), ("both", [1, 2])])
def test_shocks_stand_at_their_dates_with_one_number_in_all_figures(ds, variant, numbers):
    figure = run.plot_trajectories(ds, variant)
    days = {number: np.datetime64(day) for number, (_, day, _) in enumerate(SHOCKS.values(), start=1)}
    for ax in figure.axes:
        marks: dict[Any, Any] = {line.get_gid(): line.get_xdata() for line in ax.lines if str(line.get_gid()).startswith("shock")}
        assert list(marks) == [f"shock {number}" for number in numbers]
        assert all((marks[f"shock {number}"] == days[number]).all() for number in numbers)
    key = sentence(figure)
    for number, (label, day, _) in enumerate(SHOCKS.values(), start=1):
        assert (f"{number} {label} ({day[:7]})" in key) == (number in numbers)
    assert ("No shocks." in key) == (not numbers)


def test_a_shock_outside_the_time_is_named_and_not_drawn(ds):
    early = ds.sel(time=slice("2024-01-01", None))
    figure = run.plot_trajectories(early, "both")
    assert "(2023-03, outside this time)" in sentence(figure)
    assert all("shock 1" not in {line.get_gid() for line in ax.lines} for ax in figure.axes)


def dated(begin, end=None, probability=1.0):
    """Results of one shock with such dates."""
    effect = {"date": begin, "kind": "pulse" if end else "step", "target": "strain_war", "size": 0.2}
    effect |= {"who": {"bloc": "east"}, "unit": "share of means", "range": [0.1, 0.3], "source": "judgement"}
    settings = {**expand(["region=toy", "end=2026-01", "replicates=3"])[0].settings}
    effects = {"drain": effect | ({"until": end} if end else {})}
    settings["shock"] = {"war": {"label": "War", "probability": probability, "effects": effects}}
    return simulate([from_tables(settings)])


LATE = {"from": "2024-01-01", "to": "2024-12-01"}
BAR = [730 / 1461, 1065 / 1461]
"""Its place in the time shown: days since 2022-01."""


def bars_of(figure):
    return [line for ax in figure.axes for line in ax.lines if line.get_gid() == "interval of shock 1"]


@pytest.mark.parametrize(
    ("begin", "end", "probability", "words"),
    [
        ("2023-03", None, 1, "War (2023-03)"),
        ("2023-03", "2024-03-01", 1, "War (2023-03)"),
        ("2023-03", LATE, 1, "War (2023-03, ends between 2024-01 and 2024-12)"),
        (LATE, None, 1, "War (between 2024-01 and 2024-12)"),
        (LATE, "2025-03", 0.5, "War (between 2024-01 and 2024-12, probability 0.5)"),
        ({"from": "2025-12", "to": "2026-12"}, None, 1, "War (between 2025-12 and 2026-12)"),
    ],
)
def test_dates_that_are_drawn_are_named_and_drawn_as_intervals(begin, end, probability, words):
    ds = dated(begin, end, probability)
    label = str(ds["variant"].values[0])
    figure, timeline = run.plot_trajectories(ds, label), run.plot_timeline(ds, label)
    bars, drawn = bars_of(figure), isinstance(begin, dict) or isinstance(end, dict)
    assert f"1 {words}" in sentence(figure) and f"1 {words}" in sentence(timeline)
    assert ("Bar at the top" in sentence(figure)) == drawn
    assert len(bars) == len(figure.axes) * drawn
    for bar in bars:
        np.testing.assert_allclose(bar.get_xdata(), BAR if LATE in (begin, end) else [1430 / 1461, 1])
        np.testing.assert_allclose(bar.get_ydata(), 1)
    sharp = [line for ax in figure.axes for line in ax.lines if line.get_gid() == "shock 1"]
    assert bool(sharp) == (begin == "2023-03")
    spans = [set(np.ravel(line.get_xdata())) for ax in timeline.axes for line in ax.lines if line.get_gid() == "shock 1"]
    assert all((len(span) > 1) == isinstance(begin, dict) for span in spans)
    assert ("bar next to it" in sentence(timeline)) == isinstance(begin, dict)


def test_bars_of_intervals_that_meet_stand_below_each_other(ds):
    shocks = json.loads(ds.attrs["shocks"])
    for shock in itertools.chain(*shocks.values()):
        shock["begins"] = [["2023-01-01", "2024-01-01" if shock["name"] == "raid" else "2025-01-01"]]
    figure = run.plot_trajectories(ds.assign_attrs(shocks=json.dumps(shocks)), "both")
    heights = [line.get_ydata()[0] for line in figure.axes[0].lines if str(line.get_gid()).startswith("interval")]
    assert heights[0] == 1 and 0.9 < heights[1] < 1


def test_flows_are_drawn_over_periods_with_their_unit(ds):
    figure = run.plot_trajectories(ds, "raid", "effort")
    np.testing.assert_array_equal(lines(figure.axes[0])[0].get_xdata(), ds["period"].values)
    assert "effort (capability)" in sentence(figure)


# Colours ----------------------------------------------------------------------------------------------------------------------


def colours(figure):
    return {line.get_label(): to_hex(line.get_color()) for ax in figure.axes for line in lines(ax)}


@pytest.mark.parametrize("kept", [["east", "west"], ["west", "east"], ["west"]])
def test_a_bloc_has_the_colour_of_the_region_file_in_every_subset_and_order(ds, effects, kept):
    expected = {"east": "#d55e00", "west": "#0072b2"}
    expected = {bloc: expected[bloc] for bloc in kept}
    some = {"bloc": kept, "variant": ["fair", "baseline"]}
    assert colours(run.plot_trajectories(ds.sel(some), "fair")) == expected
    assert colours(contrasts.plot_effects(effects.sel(some))[0]) == expected
    dots: Any = next(
        item for item in contrasts.plot_final_effects(effects.sel(some))[0].axes[0].collections if item.get_gid() == "mean"
    )
    assert {to_hex(colour) for colour in dots.get_edgecolor()} == set(expected.values())


def lightness(colour):
    """CIE L* of a colour, 0 black to 100 white."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    light = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    return 116 * light ** (1 / 3) - 16 if light > 0.008856 else 903.3 * light


@pytest.mark.parametrize("path", sorted(Path("configs/region").glob("*.yaml")), ids=lambda path: path.stem)
def test_colours_of_shipped_regions_differ_in_grey_print_and_show_on_white(path):
    blocs = yaml.safe_load(path.read_text("utf-8"))["blocs"]
    shades = sorted((lightness(bloc["colour"]), name) for name, bloc in blocs.items())
    for (one, first), (other, second) in itertools.pairwise(shades):
        assert other - one >= 4, f"{first} and {second} are alike in grey"
    assert shades[-1][0] < 82, f"{shades[-1][1]} is too light on white"


# Effects ----------------------------------------------------------------------------------------------------------------------


def test_effects_are_paired_differences_with_the_interval_of_their_mean(ds, effects):
    (figure,) = contrasts.plot_effects(effects)
    values = ds["alignment"].values
    apart = values[1:] - values[:1]
    half = T_11 * apart.std(axis=1, ddof=1) / np.sqrt(12)
    assert len(figure.axes) == 6
    for ax, (state, variant) in zip(figure.axes, itertools.product(range(2), range(3)), strict=True):
        assert [line.get_label() for line in lines(ax)] == ["east", "west"]
        assert any(line.get_gid() == "zero" and set(np.ravel(line.get_ydata())) == {0} for line in ax.lines)
        for bloc, (line, band) in enumerate(zip(lines(ax), bands(ax), strict=True)):
            mean, reach = apart.mean(axis=1)[variant, :, state, bloc], half[variant, :, state, bloc]
            np.testing.assert_allclose(line.get_ydata(), mean, atol=1e-12)
            low, high = edges(band, len(mean))
            np.testing.assert_allclose((low, high), (mean - reach, mean + reach), atol=1e-12)
    assert len({str(line._dash_pattern) for line in lines(figure.axes[0])}) == 2
    assert "effect against Baseline" in sentence(figure) and "95 % interval of the mean" in sentence(figure)


def test_each_column_of_effects_marks_its_own_shocks(effects):
    (figure,) = contrasts.plot_effects(effects)
    marks = [[line.get_gid() for line in ax.lines if str(line.get_gid()).startswith("shock")] for ax in figure.axes[:3]]
    assert marks == [["shock 1"], ["shock 2"], ["shock 1", "shock 2"]]


def test_lines_that_end_away_from_zero_are_named_there(effects):
    (figure,) = contrasts.plot_effects(effects)
    low, high = figure.axes[0].get_ylim()
    ends = effects["alignment"].sel(statistic="mean").isel(time=-1).values[1:].transpose(1, 0, 2).reshape(6, 2)
    for ax, values in zip(figure.axes, ends, strict=True):
        named = {text.get_text() for text in ax.texts} & {"East", "West"}
        assert named == {name for name, end in zip(("East", "West"), values, strict=True) if abs(end) > 0.1 * (high - low)}


def test_final_effects_are_dots_and_bars_of_every_pair_the_greatest_first(effects):
    (figure,) = contrasts.plot_final_effects(effects)
    last = effects["alignment"].isel(time=-1)
    greatest = np.abs(last.sel(statistic="mean", variant=OTHERS)).max("variant")
    order = [(state, bloc) for state in range(2) for bloc in np.argsort(-greatest.values[state])]
    for ax, variant in zip(figure.axes, OTHERS, strict=True):
        cells = {
            name: np.array([float(last.sel(variant=variant, statistic=name)[at]) for at in order])
            for name in ("mean", "q05", "q95", "half_width")
        }
        drawn: dict[Any, Any] = {item.get_gid(): item for item in ax.collections}
        dots = drawn["mean"]
        np.testing.assert_allclose(dots.get_offsets()[:, 0], cells["mean"], atol=1e-12)
        assert dots.get_offsets()[:, 1].tolist() == [1, 2, 4, 5]
        reach = cells["half_width"]
        for gid, low, high in (
            ("replicates", cells["q05"], cells["q95"]),
            ("interval", cells["mean"] - reach, cells["mean"] + reach),
        ):
            bars = drawn[gid]
            np.testing.assert_allclose([segment[:, 0] for segment in bars.get_segments()], np.stack([low, high], 1), atol=1e-12)
        hollow = [to_hex(face) == "#ffffff" for face in dots.get_facecolor()]
        assert hollow == (np.abs(cells["mean"]) <= reach).tolist()


def many(effects, number) -> Any:
    """Effects of as many variants beside the baseline."""
    copies = [effects.isel(variant=[0]).assign_coords(variant=["baseline"])]
    copies += [
        effects.isel(variant=[3]).assign_coords(variant=[f"both, vigilance={at}"], vigilance=("variant", [at]))
        for at in range(number)
    ]
    copies[0] = copies[0].assign_coords(vigilance=("variant", [0]))
    return xr.concat(copies, "variant", coords="minimal", compat="override", join="override")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "sizes"), [(7, [6, 1]), (20, [6, 6, 6, 2]), (27, [6, 6, 6, 6])])
def test_no_variant_is_dropped_in_silence(effects, number, sizes):
    wide = many(effects, number)
    for draw in (contrasts.plot_effects, contrasts.plot_final_effects):
        figures = draw(wide)
        headed = [[word for word in said(figure) if word.startswith("The both, vigilance=")] for figure in figures]
        assert [len(words) for words in headed] == sizes
        assert ["3 of 27 variants are not drawn" in sentence(figure) for figure in figures] == [number == 27] * len(figures)
        assert len({figure.axes[0].get_ylim() + figure.axes[0].get_xlim() for figure in figures}) == 1


def test_without_another_variant_there_are_no_effects(effects):
    assert contrasts.plot_effects(effects.isel(variant=[0])) == contrasts.plot_final_effects(effects.isel(variant=[0])) == []


# Comparison -------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(made) -> tuple[Any, Any]:
    return made("replicates=12", "scenario=both"), made("replicates=12", "scenario=both", "dynamics.vigilance=2")


def test_a_comparison_lays_two_runs_over_each_other_and_their_difference_below(runs):
    first, second = runs
    figure = contrasts.plot_comparison(first, second, compare(first, second), ["one", "two"])
    panels = np.array(figure.axes).reshape(4, 2)
    values = [ds["alignment"].values[0] for ds in runs]
    apart = values[1] - values[0]
    for state, bloc in itertools.product(range(2), range(2)):
        above, below = panels[2 * state, bloc], panels[2 * state + 1, bloc]
        for line, worlds, style in zip(lines(above), values, ("-", "--"), strict=True):
            np.testing.assert_allclose(line.get_ydata(), worlds.mean(axis=0)[:, state, bloc], atol=1e-12)
            assert line.get_linestyle() == style
        (line,), (band,) = lines(below), bands(below)
        mean, reach = apart.mean(axis=0), T_11 * apart.std(axis=0, ddof=1) / np.sqrt(12)
        np.testing.assert_allclose(line.get_ydata(), mean[:, state, bloc], atol=1e-12)
        low, high = edges(band, len(mean))
        np.testing.assert_allclose((high - low) / 2, reach[:, state, bloc], atol=1e-12)
    assert "mean paired difference, two less one" in sentence(figure)
    assert "Toy region, The both: two against one" in sentence(figure)


def test_a_comparison_takes_what_the_command_hands_over(runs):
    difference = compare(*runs)
    whole = contrasts.plot_comparison(runs[0], runs[1], difference, ("one", "two"))
    one, other = (dataset.summarise(ds).isel(variant=0) for ds in runs)
    assert look(contrasts.plot_comparison(one, other, difference.isel(variant=0), ("one", "two"))) == look(whole)


def test_a_comparison_of_other_seeds_says_so(runs, made):
    first, second = runs[0], made("replicates=12", "scenario=both", "seed=7")
    figure = contrasts.plot_comparison(first, second, compare(first, second), ("one", "two"))
    assert "difference of the means of unpaired replicates" in sentence(figure)
    assert "seed 2026" in sentence(figure) and "seed 7" in sentence(figure)


def test_a_comparison_draws_the_actors_that_both_runs_have(runs):
    first, second = runs
    fewer = second.sel(bloc=["west"], rival=["west"])
    figure = contrasts.plot_comparison(first, second, compare(first, second).sel(bloc=["west"]), ("one", "two"))
    assert colours(figure) == {"west": "#0072b2"}
    with pytest.raises(SettingError, match="east"):
        contrasts.plot_comparison(first, fewer, compare(first, second), ("one", "two"))


# The region as a whole, and a variant on one page -------------------------------------------------------------------------------


def test_measures_are_the_means_of_the_worlds_in_each_variant(ds):
    (figure,) = run.plot_measures(measured(ds))
    panels = np.array(figure.axes).reshape(6, 4)
    folded = summarise(measured(ds)).sel(statistic="mean")
    wanted: list[dict[str, Any]] = [
        {"East": folded["influence"].sel(bloc="east"), "West": folded["influence"].sel(bloc="west")},
        {"East": folded["sphere"].sel(bloc="east")},
        {"North": folded["hedging"].sel(state="north"), "South": folded["hedging"].sel(state="south")},
        {"North": folded["realigned"].sel(state="north"), "South": folded["realigned"].sel(state="south")},
        {"Nor-Sou": folded["similarity"].sel(state="north", peer="south")},
        {"Polarisation": folded["polarisation"], "Balance": folded["balance"], "Bridge index": folded["bridge"]},
    ]
    assert not np.isfinite(folded["sphere"].sel(bloc="west")).any()
    colours = dict(zip(("East", "West"), (str(colour).lower() for colour in ds["bloc_colour"].values), strict=True))
    for (row, column), ax in np.ndenumerate(panels):
        assert [line.get_label() for line in lines(ax)] == list(wanted[row])
        for drawn, (word, values) in zip(lines(ax), wanted[row].items(), strict=True):
            np.testing.assert_allclose(drawn.get_ydata(), values.isel(variant=column).values)
            assert to_hex(drawn.get_color()) == colours.get(word, to_hex(drawn.get_color()))
    assert all(ax.get_ylim()[0] < 0 and ax.get_ylim()[1] > 1 for ax in panels[3])
    with pytest.raises(SettingError, match="influence"):
        run.plot_measures(ds)


def test_the_foot_of_the_region_says_whose_standing_takes_no_side(made):
    def words(*said):
        (figure,) = run.plot_measures(measured(made("replicates=2", "scenario=baseline", *said)))
        return " ".join(" ".join(text.get_text() for text in figure.texts).split())

    assert "no rival" not in words() and "gives for measures" not in words()
    for relation, told in (("0.1", True), ("-0.1", False)):
        foot = words(f"region.measured_relations.east.west={relation}")
        assert "rivalries are those that the region file gives for measures" in foot
        assert ("no rival, so no side in hedging and polarisation: East, West" in foot) == told


def test_of_many_pairs_of_states_those_are_drawn_that_change_most(ds):
    states = [f"{letter}state" for letter in "abcde"]
    wide = summarise(measured(ds)).reindex(state=states, peer=states, fill_value=0).assign_coords(state_label=("state", states))
    steps = np.linspace(0, 1, ds.sizes["time"])
    moving = [(0, 1), (0, 4), (1, 2), (1, 3), (2, 4), (3, 4)]
    for one, other in moving:
        wide["similarity"][{"state": one, "peer": other}] = steps
    (figure,) = run.plot_measures(wide)
    drawn = [line.get_label() for line in lines(np.array(figure.axes).reshape(-1, 4)[-2, 0])]
    assert drawn == [f"{'abcde'[one]}st-{'abcde'[other]}st" for one, other in moving]
    assert "the 6 of 10 pairs of states that change most" in sentence(figure)


def test_a_timeline_numbers_the_shocks_that_name_each_state_and_lists_all(ds):
    figure = run.plot_timeline(ds, "both")
    mean = ds["alignment"].sel(variant="both").mean("replicate")
    for row, ax in enumerate(figure.axes):
        for bloc, drawn in enumerate(lines(ax)):
            np.testing.assert_allclose(drawn.get_ydata(), mean.isel(state=row, bloc=bloc).values)
    shocks = json.loads(ds.attrs["shocks"])["both"]
    assert any(set(shock["states"]) == {"north", "south"} for shock in shocks)
    for state, ax in zip(ds["state"].values, figure.axes, strict=True):
        concerns = [shock for shock in shocks if not shock["states"] or state in shock["states"]]
        assert len({line.get_gid() for line in ax.lines if str(line.get_gid()).startswith("shock")}) == len(concerns)
    for shock in shocks:
        assert shock["label"] in sentence(figure)


def test_variants_side_by_side_show_means_ends_and_the_reference(ds):
    (figure,) = contrasts.plot_side_by_side(ds)
    folded = summarise(ds[["alignment"]])["alignment"]
    panels = np.array(figure.axes).reshape(2, 4)
    for (state, variant), ax in np.ndenumerate(panels):
        mean, low, high = (folded.sel(statistic=name).isel(variant=variant, state=state).values for name in ("mean", "q05", "q95"))
        for bloc, drawn in enumerate(lines(ax)):
            np.testing.assert_allclose(drawn.get_ydata(), mean[:, bloc])
        ends = [item.get_segments()[0][:, 1] for item in ax.collections if item.get_gid() == "replicates"]
        np.testing.assert_allclose(ends, np.stack([low[-1], high[-1]], axis=-1))
        grey = [line.get_ydata() for line in ax.lines if line.get_gid() == "reference"]
        assert len(grey) == (2 if variant else 0)
        if variant:
            wanted = folded.sel(statistic="mean").isel(variant=0, state=state).values
            np.testing.assert_allclose(np.stack(grey, axis=-1), wanted)
    assert len({ax.get_ylim() for ax in figure.axes}) == 1


def test_variants_side_by_side_mark_the_shocks_of_all_at_the_foot(ds):
    shocks = json.loads(ds.attrs["shocks"])
    early = next(shock for shock in shocks["both"] if shock["name"] == "raid")
    (figure,) = contrasts.plot_side_by_side(
        ds.assign_attrs(shocks=json.dumps({label: [early, *(of if early not in of else of[1:])] for label, of in shocks.items()}))
    )
    tall = 0
    for ax in figure.axes:
        marks: dict[Any, Any] = {line.get_gid(): line for line in ax.lines if str(line.get_gid()).startswith("shock")}
        assert max(marks["shock 1"].get_ydata()) < 0.1
        tall += "shock 2" in marks and max(marks["shock 2"].get_ydata()) == 1
    assert tall == 4
    assert "a shock of all variants, 1 in all (1 Raid of $5_000 & more (2023-03))" in sentence(figure)
    (figure,) = contrasts.plot_side_by_side(ds)
    assert "a shock of all variants" not in sentence(figure)


def test_too_many_shocks_of_effects_are_listed_below_the_panels(ds):
    dates = [f"2023-{month:02d}-01" for month in range(1, 12)]
    many = [
        {"name": day, "label": f"Shock of {day}", "probability": 1, "begins": [[day, day]], "ends": [], "states": [], "blocs": []}
        for day in dates
    ]
    crowd = ds.assign_attrs(shocks=json.dumps({"baseline": [], "raid": many, "fair": many, "both": many}))
    for figure in (*contrasts.plot_effects(dataset.differences(crowd)), *contrasts.plot_side_by_side(crowd)):
        assert all(f"Shock of {day}" in sentence(figure) for day in dates)


def test_too_many_shocks_are_marks_at_the_foot_and_counted(ds):
    dates = [f"2023-{month:02d}-01" for month in range(1, 12)]
    many: list[dict[str, Any]] = [
        {"name": day, "label": f"Shock of {day}", "probability": 1, "begins": [[day, day]], "ends": [], "states": [], "blocs": []}
        for day in dates
    ]
    crowd = ds.assign_attrs(shocks=json.dumps(dict.fromkeys(["baseline", "raid", "fair", "both"], many)))
    figure = run.plot_trajectories(crowd, "raid")
    assert "11 shocks, marked at the foot of the panels; the timeline names them." in sentence(figure)
    marks = [line for line in figure.axes[0].lines if str(line.get_gid()).startswith("shock")]
    assert len(marks) == 11 and all(max(mark.get_ydata()) < 0.1 for mark in marks)
    many[-1] |= {"begins": [["2023-11-01", "2026-01-01"]], "ends": [["2026-01-01", "2026-06-01"]]}
    crowd = ds.assign_attrs(shocks=json.dumps(dict.fromkeys(["baseline", "raid", "fair", "both"], many)))
    figure = run.plot_trajectories(crowd, "raid")
    assert "11 shocks, marked at the foot of the panels, as bars where the date is random; the timeline" in sentence(figure)
    (bar,) = (line for line in figure.axes[0].lines if str(line.get_gid()).startswith("interval"))
    assert max(bar.get_ydata()) < 0.1


def test_effects_mark_what_a_variant_and_its_reference_do_not_share(ds):
    against_raid = dataset.differences(ds.assign_coords(reference=("variant", ["raid"] * 4)))
    (figure,) = contrasts.plot_effects(against_raid)
    marked = [{line.get_gid() for line in ax.lines if str(line.get_gid()).startswith("shock")} for ax in figure.axes[:3]]
    assert marked == [{"shock 1"}, {"shock 1", "shock 2"}, {"shock 2"}]


# What all figures keep --------------------------------------------------------------------------------------------------------


def all_figures(ds):
    """Every kind of figure of a run that holds the baseline and others."""
    effects = dataset.differences(ds)
    one, other = ds.isel(variant=[0]), ds.isel(variant=[-1]).assign_coords(variant=ds["variant"].values[:1])
    figures = [run.plot_trajectories(ds, str(label)) for label in ds["variant"].values[[0, -1]]]
    figures += [*contrasts.plot_effects(effects), *contrasts.plot_final_effects(effects)]
    figures += contrasts.plot_side_by_side(ds)
    figures += [*run.plot_measures(measured(ds)), run.plot_timeline(ds, str(ds["variant"].values[-1]))]
    return [*figures, contrasts.plot_comparison(one, other, compare(one, other), ("one $run", "_two"))]


@pytest.mark.slow
def test_bands_replicates_seed_and_study_are_named_on_every_figure(ds):
    for figure in all_figures(ds.assign_attrs(study="toys", settings_hash="0123456789abcdef")):
        words = sentence(figure)
        assert any(band in words for band in ("5-95 % of replicates (spread)", "95 % interval of the mean", "without bands"))
        assert "Study toys, 12 replicates of each variant, seed 2026, settings 01234567." in words
        assert "not a forecast" in words and "Toy region" in words


@pytest.mark.slow
def test_a_single_replicate_has_no_band_and_the_figure_says_so(made):
    for figure in all_figures(made("replicates=1")):
        assert not [band for ax in figure.axes for band in bands(ax)]
        assert not [item for ax in figure.axes for item in ax.collections if item.get_gid() in ("replicates", "interval")]
        assert "a single replicate: no band and no interval" in sentence(figure)
        assert "1 replicate of each" in sentence(figure)


LONG = "Organisation of the Northern Sea Economic Cooperation Member States"
NASTY = {
    "bloc_label": ("bloc", ["$\\badcmd$ of 100 %", LONG]),
    "state_label": ("state", ["_North^{x", f"Union of the {LONG}"]),
    "scenario_label": ("variant", ["Base$", "_raid", LONG, "a\nb"]),
}


@pytest.mark.slow
def test_labels_are_only_letters(ds, tmp_path):
    nasty = ds.assign_coords(NASTY).assign_attrs(region_label="R$_{egion")
    for number, figure in enumerate(all_figures(nasty)):
        save(figure, tmp_path / f"{number}.png")
        words = sentence(figure)
        assert "R$_{egion" in words and "$\\badcmd$ of" in words and "_North^{x" in words


def boxes(figure):
    """Each text of a figure that shows, with the box that it takes up."""
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    found = [(" ".join(text.get_text().split()), text.get_window_extent(renderer)) for text in texts]
    return [(words, box) for words, box in found if words in said(figure)]


def crowded(ds):
    """Results whose shocks follow each other in days and whose lines end together, away from zero."""
    shocks = json.loads(ds.attrs["shocks"])
    for shock in itertools.chain(*shocks.values()):
        shock["begins"] = [["2026-12-01", "2026-12-01"]] if shock["name"] == "raid" else [["2026-12-10", "2027-03-01"]]
    moved = ds["alignment"].values + 0.2 * (ds["variant"].values != "baseline")[:, None, None, None, None]
    return ds.assign(alignment=(ds["alignment"].dims, moved)).assign_attrs(shocks=json.dumps(shocks))


@pytest.mark.slow
@pytest.mark.parametrize("nasty", [False, True])
def test_no_words_are_cut_off_or_cover_others(ds, nasty):
    for figure in all_figures(crowded(ds.assign_coords(NASTY) if nasty else ds)):
        shown = boxes(figure)
        width, height = figure.canvas.get_width_height()
        for words, box in shown:
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, f"{words} is cut off"
        for (one, first), (other, second) in itertools.combinations(shown, 2):
            across = min(first.x1, second.x1) - max(first.x0, second.x0)
            along = min(first.y1, second.y1) - max(first.y0, second.y0)
            assert not (across > 1 and along > 1), f"{one} and {other} lie over each other"


@pytest.mark.slow
def test_drawing_changes_neither_the_results_nor_the_settings_of_matplotlib(ds):
    before, settings = ds.copy(deep=True), dict(matplotlib.rcParams)
    all_figures(ds)
    xr.testing.assert_identical(ds, before)
    assert dict(matplotlib.rcParams) == settings


def test_a_users_style_changes_no_figure(ds, tmp_path):
    save(run.plot_trajectories(ds, "raid"), tmp_path / "plain.png")
    style: dict[Any, Any] = {
        "axes.grid": True,
        "font.size": 20,
        "savefig.bbox": "tight",
        "text.color": "red",
        "axes.facecolor": "black",
    }
    with matplotlib.rc_context(style):
        save(run.plot_trajectories(ds, "raid"), tmp_path / "styled.png")
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "styled.png").read_bytes()


def test_the_same_results_give_the_same_bytes_without_a_date(ds, effects, tmp_path):
    for name in ("one", "two"):
        save(contrasts.plot_effects(effects)[0], tmp_path / f"{name}.png")
    content = (tmp_path / "one.png").read_bytes()
    assert content == (tmp_path / "two.png").read_bytes()
    assert content.startswith(b"\x89PNG") and b"tEXt" not in content and b"tIME" not in content


def test_unknown_variants_and_variables_are_refused(ds, effects):
    with pytest.raises(SettingError, match="did you mean both"):
        run.plot_trajectories(ds, "bott")
    for draw in (contrasts.plot_effects, contrasts.plot_final_effects):
        with pytest.raises(SettingError, match="no stock or flow of a state and a bloc"):
            draw(effects, "tie")
    with pytest.raises(SettingError, match="there are 4"):
        contrasts.plot_comparison(ds, ds, effects, ("one", "two"))


@pytest.mark.slow
def test_looking_loads_neither_pyplot_nor_what_simulates():
    code = "import sys, json, sim.figures.run, sim.figures.compare; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout))
    never = {
        "matplotlib.pyplot",
        "sim.engine.runs",
        "sim.science.kernel",
        "sim.science.params",
        "sim.science.shocks",
        "mesa",
        "hydra",
    }
    assert not loaded & never
