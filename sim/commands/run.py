"""`sim run`: simulates one setting; with -m several, each as a job with a folder of its own, and a table of the jobs."""

import shlex
import sys
from typing import Any

from sim.commands import calling, jobs, screen, sweep
from sim.commands.calling import program
from sim.commands.codes import GOOD, JOBS_FAILED
from sim.commands.progress import progress
from sim.compose.expand import expand_jobs, expand_one
from sim.config.schema import Record
from sim.names import several
from sim.text import say


def command(options: Any) -> int:
    """Run `sim run` with the parsed arguments and return the exit code."""
    if options.multirun:
        return _many(options)
    return sweep.together("run", expand_one(options.overrides, options.config_dir), options)


def _many(options: Any) -> int:
    screen.tell_replaced(options)
    batches = expand_jobs(options.overrides, options.config_dir)
    if options.cfg:
        return screen.show(jobs.variants_of(batches))
    for line in jobs.notes(batches):
        print(line, file=sys.stderr)
    folder = jobs.folder_of(batches)
    calling.BEGUN.append(folder)
    done = jobs.write_jobs(folder, batches, progress)
    say(*jobs.lines(done))
    say(f"results: {folder} ({several(len(done), 'job')}, jobs.csv lists them)")
    failed = sum(job.status == jobs.FAILED for job in done)
    if failed:
        say(f"sim: {failed} of {len(done)} jobs failed; the same command tries them again", wrong=True)
        return JOBS_FAILED
    first_of: dict[int, jobs.Job] = {}
    for job in done:
        of_same_seed = first_of.setdefault(job.point.whole.config.seed, job) if job.record is not Record.summaries else job
        if of_same_seed is not job:
            first, second = (shlex.quote(str(folder / one.name)) for one in (of_same_seed, job))
            say(f"next: {program()} compare {first} {second}")
            break
    return GOOD
