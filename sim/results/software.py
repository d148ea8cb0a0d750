"""What decides the numbers of a run besides its settings: versions of packages and features of the processor.

NumPy uses the widest instructions that a processor has, and the rounding of its exponentials and products depends on them: two
machines give the same bits if versions and features are the same.
"""

import importlib
import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np

PROJECT = "regional-influence"
PACKAGES = (PROJECT, "numpy", "hydra-core", "scipy", "xarray")
"""Packages of which a run cannot be continued with another version; those that only draw figures are not among them."""
JAX = "jax"
"""The back end whose numbers depend on further packages and on a device."""


def installed_version(name: str) -> str:
    """The version of an installed package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """The architecture of this processor, and the instruction sets that NumPy uses beyond its baseline, by NumPy's names."""
    found = np.show_config(mode="dicts") or {}
    return " ".join([platform.machine(), *found.get("SIMD Extensions", {}).get("found", [])])


def versions(backend: str = "") -> dict[str, str]:
    """The versions on which this process's numbers depend: Python, packages, processor; with JAX also its compiler and device."""
    packages = {name: installed_version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **packages, "processor": processor()} | (_compiler() if backend == JAX else {})


def _compiler() -> dict[str, str]:
    try:
        device = str(importlib.import_module("jax").devices()[0].device_kind)
    except ImportError:
        device = "none"
    return {"jax": installed_version("jax"), "jaxlib": installed_version("jaxlib"), "device": device}
