"""Shell completion: Hydra's own, applied to the command line without the verb."""

import os
import re
import shlex
from collections.abc import Sequence

from hydra._internal.core_plugins.bash_completion import BashCompletion

from sim.compose.folders import MAIN, Folders, folders
from sim.compose.hydra_config import loader_over
from sim.errors import SettingError

ASKED = ("install=bash", "uninstall=bash", "query=bash")
OWN_FOLDER = re.compile(r"""(?<=\s)--config-dir(?:=|\s+)((?:"[^"]*"|'[^']*'|\\.|[^\s"'\\])+)\s+""")
"""The option that names the user's folder, as typed in a shell, with the blanks after it."""


def complete(words: Sequence[str], verbs: Sequence[str]) -> int:
    """Answer `-sc install=bash`, `-sc uninstall=bash` or `-sc query=bash` as Hydra's applications do."""
    if len(words) != 1 or words[0] not in ASKED:
        raise SettingError("-sc", f"{' '.join(words) or 'nothing'} is not known", ", ".join(ASKED))
    line, where = _cut(os.environ.get("COMP_LINE", ""))
    plugin = BashCompletion(loader_over(where))
    if words[0] == "query=bash":
        _query(plugin, verbs, line)
    else:
        {"install=bash": plugin.install, "uninstall=bash": plugin.uninstall}[words[0]]()
    return 0


def _cut(line: str) -> tuple[str, Folders]:
    """A command line without the option that names the user's folder, and the folders to search for config files."""
    found = OWN_FOLDER.search(line)
    if not found:
        return line, Folders()
    try:
        where = folders(os.path.expanduser("".join(shlex.split(found[1]))))
    except (SettingError, OSError, ValueError):  # no message while a line is typed: the command itself reports it
        where = Folders()
    return line[: found.start()] + line[found.end() :], where


def _query(plugin: BashCompletion, verbs: Sequence[str], line: str) -> None:
    typed = line.split()
    before_verb = len(typed) < 2 or (len(typed) == 2 and not line.endswith(" "))
    if before_verb:
        print(" ".join(verb for verb in verbs if verb.startswith(typed[1] if len(typed) == 2 else "")))
    elif typed[1] in verbs[:3]:
        head, verb = line.split(maxsplit=2)[:2]
        rest = line[line.index(verb, len(head)) + len(verb) :].lstrip()
        os.environ["COMP_LINE"] = f"{head} {rest}"
        plugin.query(MAIN)
