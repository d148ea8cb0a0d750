"""Where a setting that is refused was said: the override of a command, or a file."""

from collections.abc import Mapping, Sequence

from sim.folders import Folders
from sim.groups import GROUPS
from sim.overrides import Axis
from sim.refusal import SettingError
from sim.strict import read_file


def placed(error: SettingError, chosen: Sequence[Axis], choices: Mapping[str, list[str]], where: Folders) -> SettingError:
    """The same error with the override or file that its key came from."""
    for axis in reversed(chosen):
        if not axis.group and (
            error.key == axis.key or error.key.startswith(axis.key + ".") or axis.key.startswith(error.key + ".")
        ):
            return SettingError(error.key, error.wrong, error.allowed, error.meant, axis.said)
    group, _, rest = error.key.partition(".")
    place = _file_with(error.key, choices, where)
    if group in GROUPS and choices.get(group):
        name = rest.split(".")[0] if group == "shock" else choices[group][0]
        place = f"{group}/{name}.yaml"
        user = where.user and where.file(group, name)
        if user and where.user in user.parents:
            place = str(user)
    return SettingError(error.key, error.wrong, error.allowed, error.meant, place)


def _file_with(key: str, choices: Mapping[str, list[str]], where: Folders) -> str:
    """The last of the files that take part which sets a key of the whole config or the table that it is in, else config.yaml."""
    found = "config.yaml"
    for group, names in choices.items():
        for name in names:
            file = where.file(group, name)
            if file and not {key, key.partition(".")[0]}.isdisjoint(read_file(file)):
                found = str(file) if where.user and where.user in file.parents else f"{group}/{name}.yaml"
    return found
