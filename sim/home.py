"""The folder of this package, from which its files are located."""

from pathlib import Path

PACKAGE = Path(__file__).parent
"""The folder of the package, in a checkout or an installation."""
