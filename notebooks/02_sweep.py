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
# # A sweep
#
# Does the answer to the war depend on how watchful blocs are? Scenario by vigilance, every variant on the same luck.

# %%
# %matplotlib inline
from sim.compose import expand
from sim.simulate import simulate

ds = simulate(expand(["scenario=baseline,ukraine_war", "dynamics.vigilance=0,0.5,1,2"]))
ds[["scenario", "vigilance", "reference", "stability_margin"]].to_dataframe()

# %% [markdown]
# Each variant is set against the baseline of the same vigilance, world by world. A swept key is a coordinate.

# %%
from sim.results import differences

effects = differences(ds)
war = effects["alignment"].where(effects["scenario"] == "ukraine_war", drop=True).isel(time=-1).sel(state="armenia")
war.sel(statistic="mean").assign_coords(variant=war["vigilance"].values).to_pandas().round(4)

# %% [markdown]
# How sure is the mean? Half of its 95 % interval over 200 paired worlds:

# %%
war.sel(statistic="half_width").assign_coords(variant=war["vigilance"].values).to_pandas().round(4)

# %%
from sim.plots import plot_final_effects

plot_final_effects(effects)[0]
