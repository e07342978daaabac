# SPDX-License-Identifier: Apache-2.0
"""A broker's process: started on its cores, waited for until it listens, ended."""

import contextlib
import os
import pathlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

START_SECONDS = 10
STOP_SECONDS = 5


class BrokerError(Exception):
    """A broker that did not start, in one sentence."""


@dataclass(frozen=True)
class Prepared:
    """A process that is ready to be started, in `folder`; its clients connect to `port`."""

    command: list[str]
    folder: str
    port: int


@dataclass(frozen=True)
class Process:
    """A broker that was started."""

    name: str
    popen: subprocess.Popen
    log: pathlib.Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    def wait(self, done: Callable[[str], bool], what: str) -> None:
        """Until `done`, asked with all that the broker has logged, says so."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.popen.poll() is not None:
                raise BrokerError(f"{self.name} ended with status {self.popen.returncode} at its start: {self._tail()}")
            if done(self.log.read_text(errors="replace")):
                return
            time.sleep(0.02)
        raise BrokerError(f"{self.name} did not {what} within {START_SECONDS} s: {self._tail()}")

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "it printed nothing."


@contextlib.contextmanager
def started(name: str, prepared: Prepared, cores: frozenset[int] | None) -> Iterator[Process]:
    """A broker that listens, until the end of the block."""
    log = pathlib.Path(prepared.folder, f"{name}.log")
    with log.open("wb") as output:
        popen = subprocess.Popen(
            prepared.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=prepared.folder,
            # Out of the terminal's process group: Ctrl-C reaches only the driver, which ends it in order.
            start_new_session=True, preexec_fn=_pin_to(cores))
    try:
        process = Process(name, popen, log)
        process.wait(lambda _: _listens(prepared.port), f"listen on port {prepared.port}")
        yield process
    finally:
        _end(popen)


def _pin_to(cores: frozenset[int] | None):
    return None if cores is None else lambda: os.sched_setaffinity(0, cores)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
