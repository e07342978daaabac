# SPDX-License-Identifier: Apache-2.0
# Waiting for a condition. The deadline only bounds a failure: nothing here waits for time to pass.
import os
import threading
import time

PATIENCE = float(os.environ.get("TEST_PATIENCE", "15"))
_never = threading.Event()


class TestFailure(AssertionError):
    """A behaviour that was not shown; the text is a sentence for the report."""

    __test__ = False


def until(condition, what, patience=None, interval=0.02):
    """Asks `condition` until it answers something true, and returns that answer."""
    deadline = time.monotonic() + (PATIENCE if patience is None else patience)
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TestFailure(f"{what}: it did not happen within {PATIENCE if patience is None else patience:g} s")
        _never.wait(interval)


def check(holds, sentence):
    """An assertion that survives `python3 -O` and says what was wrong."""
    if not holds:
        raise TestFailure(sentence)


def equal(got, expected, what):
    check(got == expected, f"{what}: expected {expected!r}, got {got!r}")
