"""Settings that a command gives twice are refused, since it would be unclear which one counts."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hydra.grammar.gen.OverrideLexer import CommonTokenStream, InputStream, OverrideLexer
from hydra.grammar.gen.OverrideParser import OverrideParser

from sim.errors import SettingError

if TYPE_CHECKING:
    from sim.compose.overrides import Axis


def demand_once(axes: Sequence["Axis"]) -> None:
    """Refuse settings that several overrides give, or one gives twice. Tables are merged, so that only their entries count.

    Raises
    ------
    SettingError
        With both overrides.
    """
    seen: dict[tuple[str, ...], Axis] = {}
    above: dict[tuple[str, ...], Axis] = {}
    for axis in axes:
        twice = next(_twice_in_tables(axis.text), "")
        if twice:
            raise SettingError(axis.key, f"{twice} is given twice in one table", "each name once", where=axis.text)
        for path in axis.leaves:
            higher = [path[:at] for at in range(1, len(path) + 1)]
            other = above.get(path) or next((seen[at] for at in higher if at in seen and not _cleared(seen[at], path)), None)
            if other:
                both = f"{other.text} and {axis.text}"
                which = ".".join(path).removeprefix(axis.key).removesuffix("=").lstrip(".")
                wrong = f"{which} is given twice" if which else "is given twice"
                raise SettingError(axis.key, wrong, "each setting once; tables are merged", where=both)
        seen |= dict.fromkeys(axis.leaves, axis)
        above |= {path[:at]: axis for path in axis.leaves for at in range(1, len(path))}


def _cleared(axis: "Axis", path: tuple[str, ...]) -> bool:
    """Whether an override deletes the table that a later one fills anew."""
    return axis.delete and len(axis.path) < len(path)


def _twice_in_tables(text: str) -> Iterator[str]:
    """Names that occur twice in one of the tables `{name: value}` of an override; Hydra would use the last."""
    if "{" not in text:
        return
    waiting: list[Any] = [OverrideParser(CommonTokenStream(OverrideLexer(InputStream(text)))).override()]
    while waiting:
        node = waiting.pop()
        if isinstance(node, OverrideParser.DictContainerContext):
            pairs: list[Any] = node.getTypedRuleContexts(OverrideParser.DictKeyValuePairContext)
            names = [pair.getChild(0).getText().strip("'\"") for pair in pairs]
            yield from (name for name in dict.fromkeys(names) if names.count(name) > 1)
        waiting += getattr(node, "children", None) or ()
