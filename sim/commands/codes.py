"""What a command exits with."""

GOOD, BAD_INPUT, JOBS_FAILED, NO_ROOM, STOPPED = 0, 2, 3, 5, 128
"""Of a command that did what it was asked; of bad input; of failed jobs; where nothing can be written; and what is added to the
number of the signal that stopped it. Damage has 4 (`sim.errors.DamageError`)."""
