"""The configs of many variants in little memory: a few base configs, and the numbers that each variant changes in one of them."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from sim.config.nested import Where, entry
from sim.config.schema import Config

Array = NDArray[Any]
OWN = -1
"""The row of a variant that uses the number of its base config."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """One number that variants change in their base configs; all these base configs must have it."""

    path: Where
    values: Array
    """The values that it takes, (row,)."""
    rows: Array
    """For each variant the index of its value, `OWN` where it takes none, (variant,)."""

    def put(self, column: Array) -> None:
        """Write the values into a column of numbers, (variant,), in place."""
        taken = self.rows != OWN
        column[taken] = self.values[self.rows[taken]]


@dataclass(frozen=True, eq=False)
class Configs(Sequence[Config]):
    """The configs of a run's variants; indexing builds one on demand.

    Attributes
    ----------
    wholes : sequence of Config
        The base configs, checked.
    whole : array
        For each variant the index of its base config, (variant,).
    overlays : tuple of Overlay
        The numbers that variants change in them.
    """

    wholes: Sequence[Config]
    whole: Array
    overlays: tuple[Overlay, ...] = ()

    def __len__(self) -> int:
        return len(self.whole)

    @overload
    def __getitem__(self, index: int) -> Config: ...
    @overload
    def __getitem__(self, index: slice) -> "Configs": ...
    def __getitem__(self, index: int | slice) -> "Config | Configs":
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        rows = ((overlay, overlay.rows[index]) for overlay in self.overlays)
        numbers = {overlay.path: float(overlay.values[row]) for overlay, row in rows if row != OWN}
        return with_numbers(self.wholes[self.whole[index]], numbers)

    def select(self, indices: Sequence[int] | Array) -> "Configs":
        """The configs of some variants, in the order given."""
        chosen: dict[int, Array] = {}
        for overlay in self.overlays:
            if id(overlay.rows) not in chosen:
                chosen[id(overlay.rows)] = overlay.rows[indices]
        overlays = (Overlay(overlay.path, overlay.values, chosen[id(overlay.rows)]) for overlay in self.overlays)
        return Configs(self.wholes, self.whole[indices], tuple(overlays))

    def numbers(self, path: Where, absent: float = 0.0) -> Array:
        """One number of every variant, (variant,); `absent` where a variant has none at the path."""
        column = np.array([entry(config, path, absent) for config in self.wholes], dtype=float)[self.whole]
        for overlay in self.overlays:
            if overlay.path == path:
                overlay.put(column)
        return column


def light(configs: Sequence[Config]) -> Configs:
    """Any configs as `Configs`."""
    return configs if isinstance(configs, Configs) else Configs(configs, np.arange(len(configs)))


def with_numbers(config: Config, numbers: Mapping[Where, Any]) -> Config:
    """A copy of a config with some entries set, by their paths; unchanged parts are shared with the original."""
    tree: dict[str, Any] = {}
    for (*path, last), number in numbers.items():
        at = tree
        for word in path:
            at = at.setdefault(word, {})
        at[last] = _Leaf(number)
    return _with(config, tree)


class _Leaf(NamedTuple):
    number: Any


def _with(value: Any, tree: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {**value, **{name: _branch(value.get(name), item) for name, item in tree.items()}}
    changed = copy.copy(value)
    for name, item in tree.items():
        setattr(changed, name, _branch(getattr(value, name), item))
    return changed


def _branch(value: Any, item: Any) -> Any:
    return item.number if isinstance(item, _Leaf) else _with(value, item)
