"""Made-up regions of any size: for speed measurements, and for tests that must not depend on the shipped regions."""

import itertools
from typing import Any

import numpy as np

from sim.compose.expand import expand


def random_region(states: int, blocs: int, seed: int = 0) -> dict[str, Any]:
    """The settings of a made-up region as plain tables, which `sim.compose.expand.from_tables` makes a variant of.

    Every two states have a tie, successive states a road and proximity, every fifth state a route across its successor; every
    mechanism is on, and pulls are scaled by the number of actors, so that the opening is at rest and stable at any size.
    """
    draw = np.random.default_rng(seed)
    courted, courts = [f"s{number:03}" for number in range(states)], [f"b{number:03}" for number in range(blocs)]

    def over(names: list[str], low: float, high: float) -> dict[str, float]:
        return {name: float(draw.uniform(low, high)) for name in names}

    def pairs(names: list[str], low: float, high: float) -> dict[str, dict[str, float]]:
        return {name: over(names[at + 1 :], low, high) for at, name in enumerate(names[:-1])}

    def ring(low: float, high: float) -> dict[str, dict[str, float]]:
        return {one: over([other], low, high) for one, other in itertools.pairwise(courted)}

    share = 0.8 / blocs
    tables: dict[str, Any] = {"name": f"random_{states}_{blocs}", "label": "Made up", "as_of": "2022-01"}
    tables["states"] = {
        name: {
            "label": name,
            **{"capability": float(draw.uniform(0.1, 1.0)), "speed": 0.4, "volatility": 0.06},
            **{"exclusivity": 0.2 / blocs, "peer_influence": 0.04},
            "alignment": over(courts, -0.4, 0.6),
            "credibility": over(courts, 0.1, 0.7),
            "access": over(courts, 0.2 * share, share),
            "stubbornness": over(courts, 0.5, 0.7),
            "readiness": over(courts, 0.0, 0.4),
            "gateway": over(courts, 0.0, 0.03),
            "external_threat": over(courts[:1], 0.0, 0.2),
        }
        for name in courted
    }
    tables["blocs"] = {
        name: {
            **{"label": name, "colour": "#0072B2", "capability": float(draw.uniform(0.5, 2.0)), "salience": 0.2, "military": 1.0},
            **{
                "economic": 0.5,
                "vigilance": 0.6,
                "reserve": 1.0,
                "coerciveness": 0.2,
                "deterrence": 0.3 / blocs,
                "relay": 0.3 / blocs,
            },
            **{"unrest": 0.1, "strain_war": 0.05, "strain_home": 0.02},
            "priority": over(courted, 0.1, 1.0),
            "red_line": over(courted[at % states :: 7], -0.2, 0.2),
            "buffer": [courted[at % states]],
        }
        for at, name in enumerate(courts)
    }
    tables |= {"ties": pairs(courted, -0.4, 0.4), "relations": pairs(courts, -0.5, 0.4), "calming": pairs(courts, 0.0, 0.1)}
    tables |= {"roads": ring(0.05, 0.2), "proximity": ring(0.2, 0.8)}
    tables["routes"] = {
        f"r{start:03}": {
            "label": "Across",
            "ends": [courted[start], courted[start + 2]],
            "via": [courted[start + 1]],
            "permit": 0.5,
        }
        for start in range(0, states - 2, 5)
    }
    return {**expand(["region=toy"])[0].settings, "region": tables}
