"""The same configs and the same path as `sim run`, as a plain Hydra application: `-m`, launchers and sweepers are Hydra's own.

What is typed is Hydra's, but for where files are read: they are those of `--config-dir` and the shipped ones, each checked as
`sim run` does, before Hydra gets it.
"""

import argparse
import signal
import sys
from pathlib import Path

from hydra import version
from hydra._internal.utils import _run_hydra, get_args_parser
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig

from sim import interrupts
from sim.commands import calling, cli, screen, writing
from sim.compose import expand, overrides, sources
from sim.compose.folders import MAIN, Folders, folders
from sim.errors import SettingError
from sim.results import dataset

NOT_READ = {
    "config_path": "--config-dir DIR, whose files are checked",
    "config_name": "--config-dir DIR, and overrides",
    "experimental_rerun": "the overrides of the run, which its .hydra/overrides.yaml lists",
}
"""Options of Hydra's that bring files past every check, with what is said instead."""


class OwnFolders(SearchPathPlugin):
    """The folders of config files, as Hydra asks its plugins for them."""

    where = Folders()

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add them, in the place of what Hydra takes for the application's own."""
        path = search_path.get_path()
        path[:] = [element for element in path if element.provider != sources.MAIN_FOLDER]
        sources.add_folders(search_path, self.where)


def simulate_job(config: DictConfig) -> float:
    """Simulate one job into Hydra's own folder; what `outcome` names is what a sweeper makes small or large."""
    hydra = HydraConfig.get()
    try:
        own = next((source.path for source in hydra.runtime.config_sources if source.provider == sources.USER), None)
        variants = expand.expand_one(list(hydra.overrides.task), own)
        for line in screen.notes(variants):
            print(line, flush=True)
        return dataset.outcome(writing.run_variant(variants[0], Path(hydra.runtime.output_dir) / "results"))
    except SettingError as error:  # Hydra would print the tail of a traceback
        raise SystemExit(cli.refuse(str(error), error.code)) from None
    except KeyboardInterrupt as stop:
        interrupts.tell(calling.stopped(sys.argv[1:], "no unfinished files are left"))
        raise SystemExit(cli.STOPPED + (stop.args[0] if stop.args else signal.SIGINT)) from None


def demand_read(options: argparse.Namespace) -> Folders:
    """The folders of a command, with all that it names checked; refused where files would come in by another way."""
    for name, allowed in NOT_READ.items():
        if getattr(options, name) is not None:
            raise SettingError(f"--{name.replace('_', '-')}", "is not read here", allowed, where="arguments")
    where = folders(options.config_dir)
    if options.shell_completion:
        return where
    said = [word for word in options.overrides if not overrides.is_hydras(word, where)]
    overrides.parse(said, where)  # what is said twice is refused here: where there are several jobs, Hydra's sweepers take the last
    several = options.multirun or any(word.lstrip("+").startswith("hydra.mode=") for word in options.overrides)
    if not (several or options.info or options.help or options.hydra_help):
        expand.expand_one(said, options.config_dir)
    return where


def run() -> None:
    """Run the command line as Hydra does."""
    interrupts.listen(lambda: calling.stopped(sys.argv[1:], "unfinished ones are computed again"))
    parser = get_args_parser()
    options = parser.parse_args()
    try:
        OwnFolders.where = demand_read(options)
    except SettingError as error:
        raise SystemExit(cli.refuse(str(error), error.code)) from None
    for line in OwnFolders.where.replaced_lines():
        print(line, file=sys.stderr if options.cfg else sys.stdout, flush=True)
    options.config_dir = None
    version.setbase(sources.HYDRA_VERSION_BASE)
    Plugins.instance().register(OwnFolders)
    _run_hydra(options, parser, simulate_job, config_path=None, config_name=MAIN)


if __name__ == "__main__":
    run()
