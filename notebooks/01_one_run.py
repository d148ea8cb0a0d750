# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One run
#
# What happens to the South Caucasus when a peace is initialled in August 2025? Three lines simulate it; the rest looks.

# %%
# %matplotlib inline
from sim.compose import expand
from sim.simulate import simulate

ds = simulate(expand(["scenario=peace_deal"]))
ds

# %% [markdown]
# Every number has its unit, its label and its axes. How does Armenia stand with each bloc at the end, over 200 worlds?

# %%
end = ds["alignment"].sel(variant="peace_deal", state="armenia").isel(time=-1)
end.quantile([0.05, 0.5, 0.95], dim="replicate").to_pandas().round(3)

# %%
from sim.plots import plot_trajectories

plot_trajectories(ds, "peace_deal")

# %% [markdown]
# ## One world, step by step
#
# The same model as Mesa agents: the same rules, one world, stepped by hand. A state can say what moved it.

# %%
from sim.model import RegionModel

region = RegionModel(expand(["scenario=peace_deal"])[0].config)
while region.date < "2025-12":
    region.step()
armenia = region.states[0]
region.date, armenia.name

# %%
import pandas as pd

pd.DataFrame(armenia.explain()).T.round(5)

# %% [markdown]
# The parts add up to the month's change exactly. Mesa's own collector has the whole history.

# %%
region.collector.get_agenttype_vars_dataframe(type(armenia)).tail(3).round(3)
