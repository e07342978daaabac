# SPDX-License-Identifier: Apache-2.0
# Two hosts on one machine: each has a network of its own and its own /etc/hosts, and a cable runs between them. Needs
# root, which `ip` and `unshare` do.
import ctypes
import os
import pathlib
import socket
import subprocess
import threading

from .broker import Process
from .suite import Skip
from .wait import check, until

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Host:
    """`names`: what its /etc/hosts says, name by address."""

    def __init__(self, folder, address, names):
        self.folder, self.address = pathlib.Path(folder), address
        lines = ["127.0.0.1 localhost"] + [f"{at} {name}" for name, at in names.items()]
        (self.folder / "hosts").write_text("\n".join(lines) + "\n")
        script = 'mount --bind "$1" /etc/hosts && ip link set lo up && echo ready && exec cat'
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c", script, "sh", str(self.folder / "hosts")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        check(self.holder.stdout.readline() == b"ready\n", "no network namespace of our own")

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()

    @property
    def pid(self):
        return self.holder.pid

    def entering(self, command):
        """The command, as it runs on this host in its folder."""
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", f"--wd={self.folder}", *map(str, command)]

    def run(self, *command):
        done = subprocess.run(self.entering(command), capture_output=True, text=True)
        check(done.returncode == 0, f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def socket(self, port):
        """A connection from a program of this host to its loopback."""
        made = []

        def enter():
            with open(f"/proc/{self.pid}/ns/net") as namespace:
                if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                    made.append(OSError(ctypes.get_errno(), "setns"))
                    return
                try:
                    made.append(socket.create_connection(("127.0.0.1", port), timeout=1))
                except OSError as error:
                    made.append(error)
        # The namespace is that of a thread.
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]


class HostedProcess(Process):
    """A program on a host, in the host's folder."""

    def __init__(self, name, host, command):
        super().__init__(name, host.folder)
        self.spawn(host.entering(command))
        self.host = host

    def wait_until_listening(self, port):
        def listens():
            check(self.alive(), f"{self.name} ended at its start:\n{self.tail()}")
            try:
                self.host.socket(port).close()
                return True
            except OSError:
                return False
        until(listens, f"{self.name} listens on port {port}:\n{self.tail()}")
        return self


def two(case, folders, addresses, names):
    """Two hosts with a cable between them."""
    if os.geteuid() != 0:
        raise Skip("network namespaces need root")
    hosts = []
    for folder, address in zip(folders, addresses):
        hosts.append(Host(folder, address, names))
        case.finally_(hosts[-1].close)
    first, second = hosts
    subprocess.run(["ip", "link", "add", "cable", "netns", str(first.pid), "type", "veth", "peer", "name", "cable", "netns",
                    str(second.pid)], check=True)
    for host in hosts:
        host.run("ip", "address", "add", f"{host.address}/24", "dev", "cable")
        host.run("ip", "link", "set", "cable", "up")
    return hosts
