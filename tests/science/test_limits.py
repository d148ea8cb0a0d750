"""The published models that this one contains, each reached by switching the rest off and checked against its closed form."""

import itertools

import numpy as np
import pytest
import yaml
from scipy import stats

from sim.compose.expand import expand
from sim.engine.runs import simulate
from sim.names import BLOC, QUANTITIES, ROUTE, STATE
from sim.science import kernel, rules
from sim.science.layout import Layout
from sim.science.params import anchor_at_rest
from sim.science.state import NO_FORCES, Params, World, tie_scale

MONTH = 1 / 12
FOUR = 4.0
"""Monte-Carlo errors within which a moment must lie."""


def plane(name, states, blocs):
    """The shape of a quantity in the plane of its two axes."""
    dims = QUANTITIES[name].dims if name in QUANTITIES else (STATE, BLOC)
    size = {"state": states, "peer": states, "bloc": blocs, "rival": blocs, ROUTE: 0}
    if len(dims) == 2:
        return (size[dims[0]], size[dims[1]])
    if not dims:
        return (1, 1)
    return (states, 1) if dims[0] == STATE else (1, size[dims[0]])


def bare(states, blocs, alignment, **given):
    """A region in which only the given constants act; a scalar is broadcast to its quantity's shape."""
    values = {
        "speed": 1.0,
        "state_capability": 1.0,
        "decisiveness": 1.0,
        "relation_floor": -1.0,
        "contests": 0.0,
        "legacy_weight": 0.0,
    }
    values |= {name: value for name, value in given.items() if name in Params._fields}
    filled = {}
    for name in Params._fields:
        shape = (1, 1) if name in ("contests", "legacy_weight") else plane(name, states, blocs)
        filled[name] = np.broadcast_to(np.asarray(values.get(name, 0.0), dtype=float), (1, 1, *shape)).copy()
    stocks = {}
    for name in World._fields:
        shape = plane(name, states, blocs)
        stocks[name] = np.broadcast_to(np.asarray(given.get(f"{name}_opening", 0.0), dtype=float), (1, 1, *shape)).copy()
    stocks["alignment"] = np.broadcast_to(np.asarray(alignment, dtype=float), (1, 1, states, blocs)).copy()
    stocks["disposition"] = np.arctanh(stocks["alignment"])
    layout = Layout(tuple(f"s{i}" for i in range(states)), tuple(f"b{i}" for i in range(blocs)), (), (), (), ())
    return Params(**filled), World(**stocks), layout


def last(params, world, layout, dt, periods, normals=None):
    """The stocks at the end of a run, without noise where no normal draws are given."""
    normals = np.zeros((1, 1, 1, *world.alignment.shape[-2:])).repeat(periods, axis=2) if normals is None else normals
    *_, moment = kernel.run(params, world, [NO_FORCES] * periods, np.moveaxis(normals, 2, 0), layout, dt)
    return moment.world


# Averaging on a network ------------------------------------------------------------------------------------------------------

TIES = np.array([[0.0, 0.7, 0.3], [0.5, 0.0, 0.5], [0.2, 0.8, 0.0]])
LOOPS = np.array([[0.4, 0.3, 0.3], [0.25, 0.5, 0.25], [0.1, 0.3, 0.6]])


@pytest.mark.slow
@pytest.mark.parametrize("ties", [TIES, LOOPS], ids=["no self-loops", "self-loops"])
def test_friedkin_johnsen(ties):
    """Friedkin & Johnsen 1990: at rest a = L W a + (1 - L) A, L = peer_influence/(peer_influence + stubbornness)."""
    anchor = np.array([[0.8, -0.5], [-0.2, 0.6], [0.1, 0.3]])
    peer_influence, stubbornness = np.array([[0.5], [1.0], [0.2]]), np.array([[0.7], [0.3], [0.9]])
    params, world, layout = bare(
        3,
        2,
        0.2,
        peer_influence=peer_influence,
        stubbornness=np.broadcast_to(stubbornness, (3, 2)),
        anchor=anchor,
        tie_opening=ties,
    )
    found = last(params, world, layout, MONTH, 2400).alignment[0, 0]
    susceptible = np.diagflat(peer_influence / (peer_influence + stubbornness))
    expected = np.linalg.solve(np.eye(3) - susceptible @ ties, (np.eye(3) - susceptible) @ anchor)
    assert abs(found - expected).max() < 1e-12


@pytest.mark.parametrize("ties", [TIES, LOOPS], ids=["no self-loops", "self-loops"])
def test_consensus(ties):
    """DeGroot 1974 in dispositions: pi.x is conserved whatever the period, so all end at tanh(pi.x0)."""
    opening = np.array([[0.9], [-0.6], [0.3]])
    params, world, layout = bare(3, 1, opening, peer_influence=0.8, tie_opening=ties)
    found = last(params, world, layout, MONTH, 1200).alignment[0, 0]
    values, vectors = np.linalg.eig(ties.T)
    weight = np.real(vectors[:, np.argmax(np.real(values))])
    expected = np.tanh((weight / weight.sum()) @ np.arctanh(opening))
    assert abs(found - expected).max() < 1e-12
    scores = (weight / weight.sum()) @ opening
    assert abs(scores - expected).max() > 1e-3, "DeGroot's own average of scores is another number"


# Noise and an anchor --------------------------------------------------------------------------------------------------------

ANCHOR, PULL, SHAKE = 0.3, 1.0, 0.8


def beta_moments():
    """Mean and variance of the alignment as dt -> 0: (1 + a)/2 is Beta(theta (1 + A)/2, theta (1 - A)/2)."""
    theta = 2 * PULL / SHAKE**2
    law = stats.beta(theta * (1 + ANCHOR) / 2, theta * (1 - ANCHOR) / 2)
    return 2 * law.mean() - 1, 4 * law.var(), theta


def test_beta_law_has_the_moments_of_the_note():
    mean, variance, theta = beta_moments()
    assert mean == pytest.approx(ANCHOR, abs=1e-12)
    assert variance == pytest.approx((1 - ANCHOR**2) / (1 + theta), abs=1e-12)


@pytest.mark.slow
def test_beta_law_by_replicates():
    """Replicates of the kernel, with a short period, within four Monte-Carlo errors."""
    replicates, dt, years = 20_000, 1 / 96, 8
    params, world, layout = bare(1, 1, ANCHOR, stubbornness=PULL, anchor=ANCHOR, volatility=SHAKE)
    normals = np.random.default_rng(5).standard_normal((1, replicates, years * 96, 1, 1))
    found = last(params, world, layout, dt, years * 96, normals).alignment[0, :, 0, 0]
    mean, variance, _ = beta_moments()
    assert abs(found.mean() - mean) < FOUR * np.sqrt(variance / replicates)
    spread = (found - mean) ** 2
    assert abs(spread.mean() - variance) < FOUR * spread.std() / np.sqrt(replicates)


def stationary_variance(dt):
    """The variance of the alignment under the stationary distribution of the one-period map, by quadrature, without sampling."""
    grid = np.linspace(-12, 12, 1201)
    params, world, layout = bare(1, 1, 0.0, stubbornness=PULL, anchor=ANCHOR, volatility=SHAKE)
    many = World(*(np.broadcast_to(stock, (1, len(grid), *stock.shape[2:])) for stock in world))
    many = many._replace(disposition=grid.reshape(1, -1, 1, 1), alignment=np.tanh(grid).reshape(1, -1, 1, 1))
    opening = kernel.open_run(params, world, layout)
    moved = kernel.step(many, params, opening, NO_FORCES, np.zeros((1, 1, 1, 1)), layout, dt).world.disposition.reshape(-1)
    kernel_matrix = stats.norm.pdf(grid[None, :], moved[:, None], SHAKE * np.sqrt(dt))
    kernel_matrix /= kernel_matrix.sum(axis=1, keepdims=True)
    system = np.vstack([kernel_matrix.T - np.eye(len(grid)), np.ones(len(grid))])
    law = np.linalg.lstsq(system, np.append(np.zeros(len(grid)), 1.0), rcond=None)[0]
    scores = np.tanh(grid)
    mean = law @ scores
    assert abs(mean - ANCHOR) < 1e-9, "the mean is exact whatever the period"
    return law @ (scores - mean) ** 2


@pytest.mark.slow
def test_beta_law_is_reached_as_the_period_shrinks():
    _, variance, _ = beta_moments()
    errors = [abs(stationary_variance(dt) - variance) for dt in (1 / 6, 1 / 12, 1 / 24)]
    for coarse, fine in itertools.pairwise(errors):
        assert 0.45 < fine / coarse < 0.55, errors


def test_ornstein_uhlenbeck():
    """For small displacements the rate of return is speed stubbornness (1 - A^2); the error halves with the period."""
    speed, stubbornness, small = 0.7, 0.9, 1e-6
    rate = speed * stubbornness * (1 - ANCHOR**2)
    errors = []
    for steps in (12, 24, 48):
        params, world, layout = bare(1, 1, ANCHOR + small, speed=speed, stubbornness=stubbornness, anchor=ANCHOR)
        left = (last(params, world, layout, 1 / steps, steps).alignment.item() - ANCHOR) / small
        assert left == pytest.approx((1 - rate / steps) ** steps, rel=1e-5)
        errors.append(abs(left - np.exp(-rate)))
    for coarse, fine in itertools.pairwise(errors):
        assert 0.45 < fine / coarse < 0.55, errors


@pytest.mark.slow
@pytest.mark.parametrize("dt", [1 / 12, 1 / 2])
def test_the_mean_is_exact(dt):
    """Contests, legacy and exit cost off: G is linear in the score, so its stationary mean is the opening, whatever dt."""
    opening = np.array([[0.5, -0.2], [-0.3, 0.4], [0.1, 0.6]])
    ties = np.array([[0.0, -0.6, 0.3], [-0.6, 0.0, 0.4], [0.3, 0.4, 0.0]])
    relation = np.array([[0.0, -0.7], [-0.7, 0.0]])
    params, world, layout = bare(
        3,
        2,
        opening,
        stubbornness=1.0,
        exclusivity=0.3,
        peer_influence=0.3,
        volatility=0.5,
        tie_opening=ties,
        relation_opening=relation,
    )
    params = params._replace(anchor=anchor_at_rest(params, world, layout))
    replicates, periods = 2000, int(60 / dt)
    draw = np.random.default_rng(11)
    total, counted, now = 0.0, 0, world
    opened = kernel.open_run(params, world, layout)
    for period in range(periods):
        normals = draw.standard_normal((1, replicates, 3, 2))
        now = kernel.step(now, params, opened, NO_FORCES, normals, layout, dt).world
        if period >= periods // 3:
            total, counted = total + now.alignment, counted + 1
    means = total[0] / counted
    error = means.std(axis=0, ddof=1) / np.sqrt(replicates)
    assert (abs(means.mean(axis=0) - opening) < FOUR * error).all()
    assert error.max() < 0.005


# Slow stocks -----------------------------------------------------------------------------------------------------------------

SIZE, LASTS, HALF, BEGINS = 0.2, 2.0, 0.75, 12
"""A forcing of 0.2 from instant 12 on: two years long, or with a half-life of nine months."""


def response(kind, rate, after):
    """The response of a stock `after` periods from the start of a forcing: each period's mean forcing, decayed since then."""
    share, length = np.exp(-rate * MONTH), round(LASTS / MONTH)
    lag = np.arange(after)
    if kind == "step":
        return SIZE * (1 - share**after)
    if kind == "pulse":
        inside = min(after, length)
        return SIZE * (1 - share**inside) * share ** (after - inside)
    if kind == "ramp":
        terms = np.where(lag < length, (lag + 0.5) / length, 1.0)
        return SIZE * (1 - share) * (terms * share ** (after - 1 - lag)).sum()
    fade = np.exp(-np.log(2) / HALF * MONTH)
    mean = (1 - fade) / (np.log(2) / HALF * MONTH)
    if abs(fade - share) < 1e-12:
        return SIZE * (1 - share) * mean * after * share ** (after - 1)
    return SIZE * (1 - share) * mean * (fade**after - share**after) / (fade - share)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["step", "pulse", "ramp", "decay"])
@pytest.mark.parametrize(
    ("target", "who", "rate", "unit"),
    [
        ("strain_war", {"bloc": "east"}, "strain_war_rate", "share of means"),
        ("tie", {"state": "north", "peer": "south"}, "tie_rate", "tie"),
        ("access", {"state": "north", "bloc": "west"}, "access_rate", "share of trade"),
    ],
)
def test_slow_stocks(tmp_path, kind, target, who, rate, unit):
    lasting = {"pulse": {"duration": LASTS}, "ramp": {"duration": LASTS}, "decay": {"half_life": HALF}}.get(kind, {})
    effect = {"date": "2023-01-01", "kind": kind, "target": target, "who": who, "size": SIZE, "range": [0.0, 1.0], "unit": unit}
    effect |= {"source": "judgement", **lasting}
    (tmp_path / "shock").mkdir()
    (tmp_path / "shock" / "forcing.yaml").write_text(yaml.safe_dump({"forcing": {"label": "Forcing", "effects": {"one": effect}}}))
    overrides = ["region=toy", "shock=[],[forcing]", "replicates=1", "end=2028-01", "dynamics.trade=0"]
    variants = expand(overrides, tmp_path)
    ds = simulate(variants)
    found = (ds[target].isel(variant=1) - ds[target].isel(variant=0)).sel(who).isel(replicate=0).values
    speed = getattr(variants[0].config.dynamics, rate)
    for instant in range(len(found)):
        expected = response(kind, speed, instant - BEGINS) if instant > BEGINS else 0.0
        assert found[instant] == pytest.approx(expected, abs=1e-9), instant


# Contests --------------------------------------------------------------------------------------------------------------------


def rivals(vigilance=(1.2, 0.7), reserve=(0.5, 2.0), stubbornness=0.8, opening=(0.3, -0.2), rivalry=0.6):
    """One state and two rival blocs; only protection matters, at full threat."""
    relation = np.array([[0.0, -rivalry], [-rivalry, 0.0]])
    params, world, layout = bare(
        1, 2, np.array([opening]),
        contests=1.0, security_weight=1.0, threat_floor=1.0, outside=0.25, stubbornness=stubbornness, priority=1.0, military=1.0,
        bloc_capability=np.array([[1.0, 0.6]]), salience=1.0, vigilance=np.array([vigilance]), reserve=np.array([reserve]),
        relation_opening=relation, credibility_opening=1.0, credibility_target=1.0,
    )  # fmt: skip
    return params._replace(anchor=anchor_at_rest(params, world, layout)), world, layout


def jacobian(params, world, layout, dt):
    """The slope of the kernel's one-period map of the two alignments, by central differences."""
    opening = kernel.open_run(params, world, layout)
    slope, small = np.zeros((2, 2)), 1e-6
    for bloc in range(2):
        ends = []
        for sign in (1, -1):
            alignment = world.alignment.copy()
            alignment[..., bloc] += sign * small
            displaced = world._replace(alignment=alignment, disposition=np.arctanh(alignment))
            moved = kernel.step(displaced, params, opening, NO_FORCES, np.zeros((1, 1, 1, 2)), layout, dt).world
            ends.append(moved.alignment.reshape(2))
        slope[:, bloc] = (ends[0] - ends[1]) / (2 * small)
    return slope


def reaction(params, world, rivalry=0.6):
    """D and F of da_b' = speed (1 - a_b^2)(D_b da_c - F_b da_b); effort is E (1 + r) w/(r + w), w = exp(vigilance pressure)."""
    effort = (params.bloc_capability * params.salience).reshape(2)
    vigilance, reserve = params.vigilance.reshape(2), params.reserve.reshape(2)
    reaction = effort * vigilance * rivalry / 2 * reserve / (1 + reserve)
    outside = 0.25 / 0.75 * effort.sum()
    total, others = effort.sum() + outside, effort[::-1]
    grow = reaction * (others + outside) / total**2
    hold = params.stubbornness.reshape(2) + reaction[::-1] * effort / total**2
    return grow, hold


def test_action_and_reaction():
    """Richardson 1960: two blocs that react to each other in one state, linearised at the opening."""
    params, world, layout = rivals()
    grow, hold = reaction(params, world)
    scale = (1 - world.alignment.reshape(2) ** 2) * MONTH
    expected = np.eye(2) + scale[:, None] * np.array([[-hold[0], grow[0]], [grow[1], -hold[1]]])
    assert abs(jacobian(params, world, layout, MONTH) - expected).max() < 1e-8


@pytest.mark.parametrize("vigilance", [(1.0, 1.0), (4.0, 4.0), (12.0, 12.0), (40.0, 2.0), (60.0, 60.0)])
def test_an_arms_race_is_stable_while_reactions_are_weaker_than_fatigue(vigilance):
    """Richardson's condition: D1 D2 < F1 F2."""
    params, world, layout = rivals(vigilance=vigilance, reserve=(1.0, 1.0), stubbornness=0.35)
    grow, hold = reaction(params, world)
    stable = abs(np.linalg.eigvals(jacobian(params, world, layout, 1 / 96))).max() < 1
    assert stable == (grow.prod() < hold.prod())


def test_both_kinds_of_arms_race_are_tried():
    kinds = set()
    for vigilance in ((1.0, 1.0), (60.0, 60.0)):
        params, world, _ = rivals(vigilance=vigilance, reserve=(1.0, 1.0), stubbornness=0.35)
        grow, hold = reaction(params, world)
        kinds.add(bool(grow.prod() < hold.prod()))
    assert kinds == {True, False}


def test_ratio_contest():
    """Tullock 1980: shares are ratios of efforts; equal efforts share equally; ten times all efforts change nothing."""
    nobody = np.array([[0.0]])
    assert rules.contest(np.array([[2.0, 2.0]]), nobody).tolist() == [[0.5, 0.5]]
    assert rules.contest(np.array([[3.0, 1.0]]), nobody).tolist() == [[0.75, 0.25]]
    assert rules.contest(np.array([[0.0, 0.0]]), nobody).tolist() == [[0.0, 0.0]]
    params, world, layout = rivals()
    normals = np.random.default_rng(3).standard_normal((1, 1, 60, 1, 2))
    params = params._replace(volatility=params.volatility + 0.2)
    ten = params._replace(bloc_capability=10 * params.bloc_capability)
    one, other = (last(chosen, world, layout, MONTH, 60, normals).alignment for chosen in (params, ten))
    assert abs(one - other).max() < 1e-12
    assert abs(one - world.alignment).max() > 0.01


def test_a_scale_of_ties_is_the_openings():
    assert tie_scale(np.array([[[[0.0, -0.5], [0.0, 0.0]]]])).reshape(-1).tolist() == [0.5, 1.0]
