"""An agent-based simulator of regional influence.

>>> import sim
>>> ds = sim.simulate(sim.expand(["region=toy", "shock=[]", "replicates=2", "end=2022-03"]))
>>> ds.sizes["replicate"]
2

`expand` turns files and overrides into variants, `simulate` runs them, `open_results` reads a results folder, `compare` sets two
results against each other, `explain` says what moved whom, and `RegionModel` is the region as a Mesa model, stepped by hand. Each
comes with its package when it is first asked for, so that `import sim` costs nothing.
"""

import importlib
from typing import Any

_HOMES = {
    "RegionModel": "sim.abm.model",
    "compare": "sim.analysis.compare",
    "expand": "sim.compose.expand",
    "explain": "sim.analysis.explain",
    "open_results": "sim.results.reading",
    "simulate": "sim.engine.runs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}; it offers {', '.join(_HOMES)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
