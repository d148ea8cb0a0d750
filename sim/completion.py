"""Completion in the shell: Hydra's own, asked with the verb cut away."""

import os
from collections.abc import Sequence

from hydra import initialize_config_dir
from hydra._internal.core_plugins.bash_completion import BashCompletion
from hydra.core.global_hydra import GlobalHydra

from sim.folders import HYDRA_VERSION_BASE, config_folder
from sim.refusal import SettingError

ASKED = ("install=bash", "uninstall=bash", "query=bash")


def complete(words: Sequence[str], verbs: Sequence[str]) -> int:
    """Answer `-sc install=bash`, `-sc uninstall=bash` or `-sc query=bash` as Hydra's applications do."""
    if len(words) != 1 or words[0] not in ASKED:
        raise SettingError("-sc", f"{' '.join(words) or 'nothing'} is not known", ", ".join(ASKED))
    with initialize_config_dir(str(config_folder()), version_base=HYDRA_VERSION_BASE):
        plugin = BashCompletion(GlobalHydra.instance().config_loader())
        if words[0] == "query=bash":
            _query(plugin, verbs)
        else:
            {"install=bash": plugin.install, "uninstall=bash": plugin.uninstall}[words[0]]()
    return 0


def _query(plugin: BashCompletion, verbs: Sequence[str]) -> None:
    line = os.environ.get("COMP_LINE", "")
    typed = line.split()
    before_verb = len(typed) < 2 or (len(typed) == 2 and not line.endswith(" "))
    if before_verb:
        print(" ".join(verb for verb in verbs if verb.startswith(typed[1] if len(typed) == 2 else "")))
    elif typed[1] in verbs[:3]:
        head, verb = line.split(maxsplit=2)[:2]
        rest = line[line.index(verb, len(head)) + len(verb) :].lstrip()
        os.environ["COMP_LINE"] = f"{head} {rest}"
        plugin.query("config")
