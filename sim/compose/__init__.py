"""YAML and overrides to variants: expansion, designs, draws, where files are found; the only package that meets Hydra."""
