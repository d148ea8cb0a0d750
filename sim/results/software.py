"""What makes numbers what they are beside the settings: versions of packages and features of the processor.

NumPy takes the widest instructions that a processor has, and its exponentials and products round otherwise with others: two
machines give the same bits where versions and features are the same.
"""

import importlib
import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np

PROJECT = "regional-influence"
PACKAGES = (PROJECT, "numpy", "hydra-core", "scipy", "xarray")
"""The software that a run is not gone on with in another version; what only draws figures is none of it."""
JAX = "jax"
"""The back end whose compiled numbers come from packages and a device of its own."""


def installed_version(name: str) -> str:
    """The version of an installed package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """The features of this processor that NumPy uses beyond those it was built for, as NumPy calls them."""
    found = np.show_config(mode="dicts") or {}
    return " ".join([platform.machine(), *found.get("SIMD Extensions", {}).get("found", [])])


def versions(backend: str = "") -> dict[str, str]:
    """The making of this process's numbers: Python, packages, processor; of compiled rules the compiler and the device too."""
    packages = {name: installed_version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **packages, "processor": processor()} | (_compiler() if backend == JAX else {})


def _compiler() -> dict[str, str]:
    try:
        device = str(importlib.import_module("jax").devices()[0].device_kind)
    except ImportError:
        device = "none"
    return {"jax": installed_version("jax"), "jaxlib": installed_version("jaxlib"), "device": device}
