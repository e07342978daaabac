# SPDX-License-Identifier: Apache-2.0
# A real HAProxy in front of a broker, with a config of its own in a folder of its own.
import shutil
import socket

from .broker import Process
from .ports import free_port
from .wait import check, until

_BASE = """
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
"""


class HAProxy(Process):
    """Passes connections to 127.0.0.1:`port` on. `send` is HAProxy's word for the header, such as send-proxy-v2;
    `bind` are more words for its own listener, such as `ssl crt FILE`."""

    def __init__(self, port, send, bind=""):
        super().__init__("haproxy")
        program = shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy")
        check(program, "haproxy is not installed: run scripts/setup.sh --tests")
        self.port = free_port()
        config = self.folder / "haproxy.cfg"
        config.write_text(f"{_BASE}\nlisten front\n    bind 127.0.0.1:{self.port} {bind}\n"
                          f"    server broker 127.0.0.1:{port} {send}\n")
        # In the foreground, and no master process: what is spawned is what is ended.
        self.spawn([program, "-f", config, "-db"])
        until(self._listening, "haproxy listens")

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def _listening(self):
        check(self.alive(), f"haproxy ended at its start:\n{self.tail()}")
        try:
            socket.create_connection(self.address, timeout=1).close()
            return True
        except OSError:
            return False
