"""The settings of a run: types, ranges and sources of numbers, strict YAML, dates, and the identity of a run."""
