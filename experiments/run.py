"""The same configs and the same path as `sim run`, as a plain Hydra application: `-m`, launchers and sweepers are Hydra's own."""

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from sim import outputs, results
from sim.compose import from_tables
from sim.folders import HYDRA_VERSION_BASE, config_folder


@hydra.main(config_path=str(config_folder()), config_name="config", version_base=HYDRA_VERSION_BASE)
def run(config: DictConfig) -> float:
    """Simulate one job into Hydra's own folder; what `outcome` names is what a sweeper makes small or large."""
    variant = from_tables(OmegaConf.to_container(config), HydraConfig.get().overrides.task)
    ds = outputs.run_variant(variant, Path(HydraConfig.get().runtime.output_dir) / "results")
    return results.outcome(ds)


if __name__ == "__main__":
    run()
