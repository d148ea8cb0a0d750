"""An agent-based simulator of regional influence; start at `sim.simulate` (runs), `sim.rules` (science), `sim.names` (words).

Import modules by their own path, as in `from sim.rules import contest`: this file imports nothing, so that each stays cheap.
"""
