"""What all tests share: the option to write baselines anew, and a storm that wakes every mechanism of the toy region."""

import pytest
import yaml

from sim.names import QUANTITIES


def pytest_addoption(parser):
    parser.addoption("--update-baselines", action="store_true", help="write the numbers of the shipped studies anew")


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
"""A shock that touches every stock of the toy region, so that every loop turns."""


def shock_folder(folder, name, effects, **said):
    """A folder of the user's own with one shock in it."""
    (folder / "shock").mkdir(exist_ok=True)
    (folder / "shock" / f"{name}.yaml").write_text(yaml.safe_dump({name: {"label": name, **said, "effects": effects}}))
    return folder


@pytest.fixture
def storm(tmp_path):
    """A folder of the user's own that holds the shock `storm`."""
    return shock_folder(tmp_path, "storm", STORM)
