"""The same configs and the same path as `sim run`, as a plain Hydra application: `-m`, launchers and sweepers are Hydra's own."""

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from sim import cli, compose, folders, outputs, refusal, results


@hydra.main(config_path=str(folders.config_folder()), config_name="config", version_base=folders.HYDRA_VERSION_BASE)
def run(config: DictConfig) -> float:
    """Simulate one job into Hydra's own folder; what `outcome` names is what a sweeper makes small or large."""
    try:
        own = [source.path for source in HydraConfig.get().runtime.config_sources if source.provider == "command-line"]
        variant = compose.from_tables(OmegaConf.to_container(config), HydraConfig.get().overrides.task, *own)
        return results.outcome(outputs.run_variant(variant, Path(HydraConfig.get().runtime.output_dir) / "results"))
    except refusal.SettingError as error:  # Hydra would print the tail of a traceback
        raise SystemExit(cli.refuse(str(error), error.code)) from None


if __name__ == "__main__":
    run()
