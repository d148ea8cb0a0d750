"""What may be set: typed settings, their ranges and sources, strict YAML, dates, the identity of a run."""
