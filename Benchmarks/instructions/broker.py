# SPDX-License-Identifier: Apache-2.0
"""The release broker under callgrind: one event loop, no timers of its own, hashes without a random seed.

Counts cover what lies between `count` and `dump`, both taken while the broker waits for something to do.
"""

import os
import pathlib
import re
import subprocess

from Support.broker import Isthmus
from Support.wait import check, until

from .wire import PATIENCE, Wire

CONFIGURATION = """\
node.event_loops = 1
listeners.tcp.default.bind = "127.0.0.1:{port}"
mqtt.max_inflight = 1000
plugins = [{plugins}]
sys_topics {{ sys_msg_interval = disabled, sys_heartbeat_interval = disabled }}
"""
# A repeated string instruction copies a block at once, but is counted by byte: the C library is to do without.
TUNABLES = "glibc.cpu.x86_rep_movsb_threshold=0x40000000:glibc.cpu.x86_rep_stosb_threshold=0x40000000"
TOTALS = re.compile(r"^totals: (\d+)$", re.MULTILINE)


class CountedBroker(Isthmus):
    """`preload` is under_valgrind.c, compiled; `write_files` gets the broker's folder and returns more settings."""

    def __init__(self, name, preload, plugins=(), write_files=lambda folder: ""):
        super().__init__(name, "")
        self.plugins = plugins
        names = ", ".join(f"{{ name = {plugin} }}" for plugin in plugins)
        self.write(CONFIGURATION.format(port=self.port, plugins=names) + write_files(self.folder))
        self._counts, self._preload = self.folder / "counts", preload

    def spawn(self, command):
        # Nothing of the caller's environment, whose length moves the stack.
        environment = [f"PATH={os.environ['PATH']}", "SWIFT_DETERMINISTIC_HASHING=1", f"LD_PRELOAD={self._preload}",
                       f"COPIES_OF_PLUGINS={self.folder}", f"GLIBC_TUNABLES={TUNABLES}"]
        valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={self._counts}",
                    f"--vgdb-prefix={self.folder / 'vgdb'}"]
        super().spawn(["env", "-i", *environment, *valgrind, *command])

    def dial(self):
        """A connection that is accepted before anything is sent: by chance that is one turn of the loop, or two."""
        wire = Wire(self.address)
        until(lambda: self._holds(wire), f"{self.name} accepts a connection", interval=0.005)
        return wire

    def say_farewell(self, wire):
        """Disconnects, and waits until nothing is left of the connection."""
        wire.leave()
        until(lambda: not self._holds(wire), f"{self.name} closes a connection", interval=0.005)

    def count(self):
        """Begins to count; until now valgrind only ran the broker, which is faster."""
        self._tell("instrumentation", "on")

    def dump(self) -> pathlib.Path:
        """Writes what was counted, and says where."""
        self._tell("dump")
        return self._counts.with_name("counts.1")

    def _tell(self, *words):
        until(self._waits, f"{self.name} has nothing left to do", interval=0.001)
        command = ["vgdb", f"--vgdb-prefix={self.folder / 'vgdb'}", f"--pid={self.child.pid}", *words]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        check(result.returncode == 0, f"{' '.join(command)}: {result.stderr.strip()}")

    def _holds(self, wire):
        """Whether the broker has its end of the connection, which has an inode while it is accepted and not closed."""
        ends = f":{self.port:04X} 0100007F:{wire.port:04X} "
        lines = [line for line in pathlib.Path("/proc/net/tcp").read_text().splitlines() if ends in line]
        return any(line.split()[9] != "0" for line in lines)

    def _waits(self):
        state = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "S"


def total(counts: pathlib.Path) -> int:
    """All instructions of one of callgrind's files."""
    return int(TOTALS.search(counts.read_text()).group(1))
