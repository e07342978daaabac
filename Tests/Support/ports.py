# SPDX-License-Identifier: Apache-2.0
# TCP ports of loopback that nobody else uses. They lie below the kernel's ephemeral range, are tried without
# SO_REUSEPORT, and a lock file keeps two test runs on one machine apart for as long as this process lives.
import fcntl
import os
import pathlib
import socket
import tempfile
import threading

_LOCKS = pathlib.Path(tempfile.gettempdir()) / f"isthmus-test-ports-{os.getuid()}"
_held, _guard, _next = [], threading.Lock(), 20000 + os.getpid() * 37 % 10000


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _claim(port):
    _LOCKS.mkdir(exist_ok=True)
    lock = open(_LOCKS / str(port), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return False
    if not is_free(port):
        lock.close()
        return False
    _held.append(lock)
    return True


def free_port():
    global _next
    with _guard:
        for _ in range(10000):
            _next = 20000 + (_next - 20000 + 1) % 10000
            if _claim(_next):
                return _next
    raise OSError("no free TCP port between 20000 and 29999 on 127.0.0.1")


def preferred_port(port):
    """`port` itself if it is free, else another one."""
    with _guard:
        if _claim(port):
            return port
    return free_port()
