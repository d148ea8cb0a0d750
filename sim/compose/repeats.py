"""What a command says twice: which of the two counts would be the order's secret, so it is refused."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hydra.grammar.gen.OverrideLexer import CommonTokenStream, InputStream, OverrideLexer
from hydra.grammar.gen.OverrideParser import OverrideParser

from sim.errors import SettingError

if TYPE_CHECKING:
    from sim.compose.overrides import Axis


def demand_once(axes: Sequence["Axis"]) -> None:
    """Refuse what several overrides of a command say, or one says twice; tables are merged, so only what they hold counts.

    Raises
    ------
    SettingError
        With both overrides.
    """
    seen: dict[tuple[str, ...], Axis] = {}
    above: dict[tuple[str, ...], Axis] = {}
    for axis in axes:
        twice = next(_twice_in_tables(axis.said), "")
        if twice:
            raise SettingError(axis.key, f"{twice} stands twice in one table", "each name once", where=axis.said)
        for path in axis.leaves:
            higher = [path[:at] for at in range(1, len(path) + 1)]
            other = above.get(path) or next((seen[at] for at in higher if at in seen and not _cleared(seen[at], path)), None)
            if other:
                said = f"{other.said} and {axis.said}"
                which = ".".join(path).removeprefix(axis.key).removesuffix("=").lstrip(".")
                wrong = f"{which} is said twice" if which else "is said twice"
                raise SettingError(axis.key, wrong, "each setting once; tables are merged", where=said)
        seen |= dict.fromkeys(axis.leaves, axis)
        above |= {path[:at]: axis for path in axis.leaves for at in range(1, len(path))}


def _cleared(axis: "Axis", path: tuple[str, ...]) -> bool:
    """Whether an override takes out the table that a later one fills anew."""
    return axis.delete and len(axis.path) < len(path)


def _twice_in_tables(said: str) -> Iterator[str]:
    """Names that stand twice in one of the tables `{name: value}` of an override, of which Hydra would take the last."""
    if "{" not in said:
        return
    waiting: list[Any] = [OverrideParser(CommonTokenStream(OverrideLexer(InputStream(said)))).override()]
    while waiting:
        node = waiting.pop()
        if isinstance(node, OverrideParser.DictContainerContext):
            pairs: list[Any] = node.getTypedRuleContexts(OverrideParser.DictKeyValuePairContext)
            names = [pair.getChild(0).getText().strip("'\"") for pair in pairs]
            yield from (name for name in dict.fromkeys(names) if names.count(name) > 1)
        waiting += getattr(node, "children", None) or ()
