"""A stop by a signal: never lost, without a traceback, and within two seconds at a point that the work chooses."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from queue import SimpleQueue

import pytest
from conftest import ROOT

from sim import interrupts
from sim.commands import progress

HINT = "the way on"
HEED = """
try:
    interrupts.check()
except interrupts.Stopped as stop:
    sys.exit(128 + stop.args[0])
"""
WORK = {
    "a finaliser": "class Held:\n    def __del__(self):\n        strike()\nheld = Held()\ndel held",
    "a callback of a weak reference": "class Held: pass\nheld = Held()\nref = weakref.ref(held, lambda _: strike())\ndel held",
    "a callback of C": "kind = ctypes.CFUNCTYPE(None)\nkind(strike)()",
    "a generator that is thrown away": "def several():\n    try:\n        yield 1\n    finally:\n        strike()\nnext(several())",
    "a collection of garbage": "gc.callbacks.append(lambda *_: strike())\ngc.collect()\ngc.callbacks.clear()",
    "what swallows all": "try:\n    strike()\nexcept BaseException:\n    pass",
}
"""Places where Python drops an exception that a handler raises, or reports that it ignores it."""


def script(text, *, before=None):
    """A process that handles signals and runs some lines; `strike` is a signal to itself that takes a while."""
    lead = f"""
        import ctypes, gc, os, signal, sys, threading, time, weakref
        from sim import interrupts
        interrupts.listen(lambda: {HINT!r})
        def strike():
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(lead) + text],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    )


@pytest.mark.parametrize("where", WORK)
def test_a_stop_is_not_lost_wherever_it_strikes(where):
    process = script(WORK[where] + HEED)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (143, "")


BLIND = "while True: pass", "time.sleep(60)", "threading.Lock().acquire() and threading.Event().wait()", "os.read(os.pipe()[0], 1)"
"""Work that never checks whether it must stop."""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_never_looks_is_ended_in_two_seconds(number):
    """All at once, as each takes the full two seconds."""
    processes = [script(f"print(1, flush=True)\n{work}", before=lambda: signal.signal(number, signal.SIG_DFL)) for work in BLIND]
    for process in processes:
        assert process.stdout and process.stdout.readline() == "1\n"
    began = time.monotonic()
    for process in processes:
        process.send_signal(number)
        process.send_signal(number)
    for process in processes:
        _, told = process.communicate(timeout=30)
        assert process.returncode == 128 + number and told == f"{HINT}\n"
    assert time.monotonic() - began < 2 * interrupts.PATIENCE


def test_a_signal_that_is_ignored_stays_ignored():
    """As under nohup and in the background of a shell."""
    process = script("os.kill(os.getpid(), signal.SIGHUP)" + HEED, before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (0, "")


def test_a_stop_is_raised_once_so_that_clearing_away_goes_to_its_end(monkeypatch):
    monkeypatch.setattr(interrupts, "_asked", [signal.SIGTERM])
    monkeypatch.setattr(interrupts, "_heeded", interrupts.threading.Event())
    with pytest.raises(interrupts.Stopped) as stop:
        interrupts.check()
    assert stop.value.args == (signal.SIGTERM,)
    interrupts.check()


def test_who_waits_for_others_looks_meanwhile(monkeypatch):
    queue = SimpleQueue()
    queue.put("done")
    assert interrupts.next_of(queue) == "done"
    monkeypatch.setattr(interrupts, "_asked", [signal.SIGINT])
    monkeypatch.setattr(interrupts, "_heeded", interrupts.threading.Event())
    with pytest.raises(KeyboardInterrupt):
        interrupts.next_of(queue)


def test_a_reader_that_leaves_is_no_success(tmp_path):
    command = [sys.executable, "-m", "sim", "run", "region=toy", "replicates=2", "end=2022-03", "out=there"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.close()
    process.stdout = None
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (128 + signal.SIGPIPE, "")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_written_over_and_taken_away(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(progress, "OFTEN", 0)
    monkeypatch.setenv("COLUMNS", "120")
    with progress.progress() as watch:
        for done in (50, 100, 200):
            watch(done, 200)
    said = sys.stderr.getvalue()
    assert "\n" not in said and "100 of 200 replicates" in said and " left" in said and said.endswith("\r\x1b[K")


def test_progress_is_silent_where_nobody_looks(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress.progress() as watch:
        assert watch is None
    assert sys.stderr.getvalue() == ""
