"""The model: rules, kernel, constants, shocks, random draws, measures, stability; NumPy only."""
