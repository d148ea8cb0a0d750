"""Shared fixtures: shocks that activate every mechanism, and a region in which every kind of connection occurs."""

import json
from pathlib import Path
from unittest import mock

import pytest
import yaml

from experiments.reliability import sealing
from sim.commands import writing
from sim.config.checks import STOCK_TARGETS
from sim.config.schema import ShockKind
from sim.names import BLOC, PEER, QUANTITIES, RIVAL, ROUTE, STATE

ROOT = Path(__file__).parent.parent
LOOPBACK = {"test_beyond.py"}
"""Tests that connect to this machine, as a Dask cluster does."""


def over(said, *more):
    """A command with more overrides, which replace those with the same key."""
    keys = {word.partition("=")[0] for word in more}
    return [*(word for word in said if word.partition("=")[0] not in keys), *more]


_attempts = []
_now = {"file": ""}


def pytest_configure(config):
    """Refuse the network to every test and to all that it runs in this process."""
    seal = sealing.sealed(_attempts, lambda: _now["file"] in LOOPBACK)
    seal.__enter__()
    config.add_cleanup(lambda: seal.__exit__(None, None, None))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    _now["file"] = item.path.name


@pytest.fixture(autouse=True)
def attempts():
    """The attempts of a test to use a network; there must be none, even where code caught the refusal."""
    yield _attempts
    told, _attempts[:] = list(_attempts), []
    assert told == []


def pytest_addoption(parser):
    parser.addoption("--update-baselines", action="store_true", help="write the numbers of the shipped studies anew")


def without_figures():
    """For tests of numbers: a run is written without its figures, which take most of its time."""
    return mock.patch.object(writing, "draw_figures", lambda folder, *_: folder.mkdir())


def effect(target, kind, who, size, date="2022-03-10", **lasting):
    """One effect of a shock, with a range around its size."""
    low, high = sorted((0.5 * size, 1.5 * size))
    named = {"date": date, "kind": kind, "target": target, "who": who, "size": size, "range": [low, high]}
    return named | lasting | {"unit": QUANTITIES[target].unit, "source": "judgement"}


STORM = {
    "tie": effect("tie", "step", {"state": "north", "peer": "south"}, 0.3),
    "strain": effect("strain_war", "step", {"bloc": "east"}, 0.3),
    "relation": effect("relation", "step", {"bloc": "east", "rival": "west"}, -0.6),
    "credibility": effect("credibility", "step", {"state": "north", "bloc": "east"}, -0.2),
    "programme": effect("programme", "pulse", {"state": "south", "bloc": "west"}, 1.0, duration=1.0),
    "road": effect("road_capacity", "step", {"state": "north", "peer": "south"}, 0.2),
    "vigilance": effect("vigilance", "decay", {"bloc": "west"}, -0.3, half_life=1.0),
    "legacy": effect("legacy", "impulse", {"state": "north", "bloc": "east"}, -0.3),
}
"""A shock on every stock of the toy region, so that every loop is active."""


def shock_folder(folder, name, effects, **said):
    """A user's folder with one shock in it."""
    (folder / "shock").mkdir(exist_ok=True)
    (folder / "shock" / f"{name}.yaml").write_text(json.dumps({name: {"label": name, **said, "effects": effects}}))
    return folder


@pytest.fixture
def storm(tmp_path):
    """A user's folder with the shock `storm`."""
    return shock_folder(tmp_path, "storm", STORM)


def everything(states, blocs, routes):
    """One effect for each target and kind that a shock may have, spread over the first years and over the actors given."""
    size = {"speed": 0.1, "volatility": 0.02, "bloc_capability": 0.2, "state_capability": 0.2, "relation_floor": 0.1}
    who = {
        (STATE,): {"state": list(states)},
        (BLOC,): {"bloc": blocs[0]},
        (STATE, BLOC): {"state": states[0], "bloc": "*"},
        (STATE, PEER): {"state": states[0], "peer": states[1]},
        (BLOC, RIVAL): {"bloc": blocs[0], "rival": blocs[1]},
        (ROUTE,): {"route": list(routes)},
    }
    lasting = {"pulse": {"duration": 1.5}, "ramp": {"until": "2025-05-20"}, "decay": {"half_life": 0.8}}
    effects = {}
    for number, (name, quantity) in enumerate(QUANTITIES.items()):
        if not quantity.shockable or quantity.kind == "flow":
            continue
        for kind in ShockKind:
            if not moves(name, kind):
                continue
            month, sign = 1 + (number + 3 * len(effects)) % 12, 1 if len(effects) % 3 else -1
            said = {**lasting.get(kind.value, {}), "date": f"2022-{month:02d}-17"}
            effects[f"{name}_{kind.value}"] = effect(name, kind.value, who[quantity.dims], sign * size.get(name, 0.07), **said)
    return effects


def moves(name, kind):
    """Whether a shock of a kind can move a quantity: impulses stocks, lasting ones parameters and targets of slow stocks."""
    if kind is ShockKind.impulse:
        return QUANTITIES[name].kind == "stock"
    if name == "programme":
        return kind is not ShockKind.decay
    return QUANTITIES[name].kind == "parameter" or name in STOCK_TARGETS


def connected():
    """The toy's two states, a third that is also a bloc and a member of another, and two routes from one to the other."""
    region = yaml.safe_load((ROOT / "configs" / "region" / "toy.yaml").read_text("utf-8"))
    region |= {"name": "connected", "label": "Connected"}
    north, south, west = region["states"]["north"], region["states"]["south"], region["blocs"]["west"]
    league = {**west, "label": "League", "colour": "#CC79A7", "capability": 0.7, "coerciveness": 0.2}
    league |= {"priority": {"north": 0.5, "south": 0.5}, "red_line": {"south": 0.4}, "unrest": 0.1, "buffer": ["south"]}
    region["blocs"]["league"] = league
    for state, score in ((north, 0.2), (south, -0.3)):
        state["alignment"]["league"] = score
        state["credibility"]["league"], state["access"]["league"], state["stubbornness"]["league"] = 0.4, 0.1, 1.1
    region["states"]["harbour"] = {**south, "label": "Harbour", "capability": 0.6, "same_as": "league", "member_of": ["west"]}
    region["states"]["harbour"] |= {"readiness": {"west": 0.6}, "gateway": {"west": 0.2}}
    for table, east, west in (
        ("alignment", -0.2, 0.6),
        ("credibility", 0.2, 0.8),
        ("access", 0.2, 0.5),
        ("stubbornness", 1.0, 1.0),
    ):
        region["states"]["harbour"][table] = {"east": east, "west": west}
    region["ties"] |= {"harbour": {"north": 0.2, "south": 0.1}}
    region["roads"] |= {"harbour": {"north": 0.5, "south": 0.4}}
    region["proximity"] |= {"harbour": {"north": 0.3, "south": 0.5}}
    region["routes"]["round"] = {"label": "By way of the harbour", "ends": ["north", "south"], "via": ["harbour"], "permit": 0.9}
    return region


def write_region(folder, region):
    """Write a region into a user's folder under its own name."""
    (folder / "region").mkdir(exist_ok=True)
    (folder / "region" / f"{region['name']}.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(region)), sort_keys=False))
    return folder


@pytest.fixture(scope="session")
def hard(tmp_path_factory):
    """A folder, only to read, with `region=connected` and the shock `everything`."""
    folder = write_region(tmp_path_factory.mktemp("hard"), connected())
    return shock_folder(folder, "everything", everything(("north", "south"), ("east", "west"), ("direct", "round")))


HARD = ("region=connected", "shock=[everything]")
