"""From YAML and overrides to variants: expansion, designs, draws, search for files; the only package that uses Hydra."""
