"""Where this package lies: what is found by its place asks here."""

from pathlib import Path

PACKAGE = Path(__file__).parent
"""The folder of the package, in a checkout or an installation."""
