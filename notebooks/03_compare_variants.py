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
# # Compare variants
#
# Two ways of building the region, the same shocks: what if states did not follow the company they keep?

# %%
# %matplotlib inline
from sim.compose import expand
from sim.simulate import simulate

first = simulate(expand(["scenario=all_three"]))
second = simulate(expand(["scenario=all_three", "dynamics=no_company"]))

# %% [markdown]
# World k of both met the same luck, so the difference is what the assumption does.

# %%
from sim.comparison import compare

difference = compare(first, second)
end = difference["alignment"].isel(time=-1, variant=0)
end.sel(statistic="mean").to_pandas().round(4)

# %%
end.sel(statistic="half_width").to_pandas().round(4)

# %%
from sim.plots import plot_comparison
from sim.results import summarise

one, other = summarise(first).isel(variant=0), summarise(second).isel(variant=0)
plot_comparison(one, other, difference.isel(variant=0), ["reference", "no company"])
