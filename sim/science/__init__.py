"""The model: rules, kernel, constants, shocks, noise, measures, stability; NumPy only."""
