"""Where a refused setting was given: an override of the command, or a file."""

from collections.abc import Mapping, Sequence

from sim.compose.folders import Folders
from sim.compose.overrides import Axis
from sim.config.strict_yaml import is_whole, read_file
from sim.errors import SettingError


def placed(error: SettingError, chosen: Sequence[Axis], choices: Mapping[str, list[str]], where: Folders) -> SettingError:
    """The same error with the override or file that its key came from."""
    for axis in reversed(chosen):
        if not axis.group and (
            error.key == axis.key or error.key.startswith(axis.key + ".") or axis.key.startswith(error.key + ".")
        ):
            return SettingError(error.key, error.wrong, error.allowed, error.meant, axis.place)
    return SettingError(error.key, error.wrong, error.allowed, error.meant, _file_with(error.key.split("."), choices, where))


def _file_with(words: Sequence[str], choices: Mapping[str, list[str]], where: Folders) -> str:
    """The file that sets a key: the included file that has most of its path; else a file of its group.

    Of two with equally much it is the one with settings of the whole config, since these override those of the groups.
    """
    found, furthest = "config.yaml", (0, False)
    for group, names in choices.items():
        for name in names:
            file = where.file(group, name)
            if file is None:
                continue
            whole = is_whole(file)
            reach = (_reach(read_file(file), words) if whole else _reach({group: read_file(file)}, words), whole)
            if reach[0] and reach >= furthest:
                found, furthest = where.called(file), reach
    own = choices.get(words[0])
    return where.called(file) if not furthest[0] and own and (file := where.file(words[0], own[-1])) else found


def _reach(tables: object, words: Sequence[str]) -> int:
    """How many parts of a path exist in nested tables."""
    for depth, word in enumerate(words):
        if not isinstance(tables, Mapping) or word not in tables:
            return depth
        tables = tables[word]
    return len(words)
