# SPDX-License-Identifier: Apache-2.0
# Brokers as child processes: an Isthmus with a config written here, or a mosquitto for comparison. Each lives in a
# folder of its own with its config, data and log; the log is shown when a test fails. Ended by process id only.
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from . import mqtt
from .client import Client
from .ports import free_port
from .wait import TestFailure, check, until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("ISTHMUS", ROOT / ".build/release/isthmus"))
_SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="isthmus-test-"))
_running = []


def scratch(name):
    """A new empty folder, removed at the end of a run without failures."""
    return pathlib.Path(tempfile.mkdtemp(prefix=name + "-", dir=_SCRATCH))


def clean_up(keep):
    """Ends what still runs; keeps the folders with the logs if `keep`."""
    for one in list(_running):
        one.kill()
    if keep:
        print(f"configs and logs are kept in {_SCRATCH}")
    else:
        shutil.rmtree(_SCRATCH, ignore_errors=True)


def link(name, port, clientid="clink", topics=("#",), username=None, password=None, **more):
    """An element of cluster.links, as HOCON text."""
    fields = {"name": name, "server": f"127.0.0.1:{port}", "clientid": clientid}
    if username is not None:
        fields.update(username=username, password=password)
    fields.update(more)
    lines = "".join(f"      {key} = {quoted(value)}\n" for key, value in fields.items())
    return "    {\n" + lines + f"      topics = [{', '.join(quoted(t) for t in topics)}]\n    }}\n"


def quoted(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {quoted(one)}" for key, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(quoted(one) for one in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def config(port, node="test", plugins=(), cluster=None, links=(), extra=""):
    """A config for one broker. `plugins`: names, or entries as HOCON; `links`: made by link(); `extra`: more HOCON."""
    text = f"node.name = {quoted(node)}\n"
    text += "sys_topics.sys_msg_interval = 1s\nlog.console.level = info\n"
    text += f'listeners.tcp.default {{ bind = "127.0.0.1:{port}" }}\n'
    text += "plugins = [" + ", ".join(p if p.startswith("{") else f"{{ name = {p} }}" for p in plugins) + "]\n"
    if cluster:
        text += f"cluster {{\n  name = {quoted(cluster)}\n  links = [\n" + "".join(links) + "  ]\n}\n"
    return text + extra


class Process:
    """A child process with its log in a file."""

    def __init__(self, name, folder=None):
        self.name, self.folder = name, folder or scratch(name)
        self.log_path, self.child = self.folder / "log", None

    def spawn(self, command):
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                [str(c) for c in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT)
        _running.append(self)

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def tail(self):
        return "\n".join(f"      [{self.name}] {line}" for line in self.log.splitlines()[-25:])

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def _ended(self):
        if self in _running:
            _running.remove(self)

    def kill(self):
        """kill -9."""
        if self.alive():
            self.child.kill()
        if self.child is not None:
            self.child.wait()
        self._ended()

    def stop(self):
        """SIGTERM, and the exit status."""
        self.child.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self):
        until(lambda: not self.alive(), f"{self.name} ends by itself:\n{self.tail()}")
        self._ended()
        return self.child.returncode

    def resident_kib(self):
        for line in pathlib.Path(f"/proc/{self.child.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise TestFailure(f"{self.name} has no memory figure: it has ended")


class Broker(Process):
    """Common to both brokers: where clients reach it, and waiting until they do."""

    def __init__(self, name, port=None, folder=None):
        super().__init__(name, folder)
        self.port = port or free_port()

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def _listening(self):
        check(self.alive(), f"{self.name} ended at its start with {self.child.poll()}:\n{self.tail()}")
        try:
            socket.create_connection(self.address, timeout=1).close()
            return True
        except OSError:
            return False

    def wait_until_listening(self):
        until(self._listening, f"{self.name} listens on port {self.port}")
        return self

    def client(self, client_id="", version=5, **options):
        return Client(self.address, version, client_id).open(**options)


class Isthmus(Broker):
    """An Isthmus broker; `conf` is its config's text or a function of the port."""

    def __init__(self, name="isthmus", conf=config, port=None, plugin_dir=None):
        super().__init__(name, port)
        self.conf_path = self.folder / "isthmus.conf"
        self.plugin_dir = plugin_dir or BINARY.parent
        self.write(conf(self.port) if callable(conf) else conf)

    def write(self, text):
        self.conf_path.write_text(text)

    def launch(self):
        """Starts the process without waiting for it, for starts that are meant to fail."""
        check(BINARY.exists(), f"{BINARY} is not there: build it with 'swift build -c release'")
        self.spawn([BINARY, "run", "--config", self.conf_path, "--plugin-dir", self.plugin_dir, "--data-dir",
                    self.folder / "data"])
        return self

    def start(self):
        return self.launch().wait_until_listening()

    def restart_after_kill(self):
        self.kill()
        return self.start()

    def sys(self, node, topic, observer=None):
        """The newest value below $SYS/brokers/NODE/, or None if it has none yet."""
        client = observer or self.client("", 5)
        try:
            client.subscribe(f"$SYS/brokers/{node}/{topic}")
            try:
                return client.next("$SYS value", patience=3).payload.decode()
            except TestFailure:
                return None
        finally:
            if observer is None:
                client.close()


class Mosquitto(Broker):
    """The comparison: a stock mosquitto that lets everybody in."""

    def __init__(self, name="mosquitto", extra=""):
        super().__init__(name)
        path = self.folder / "mosquitto.conf"
        path.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nlog_type all\n"
                        f"max_queued_messages 100000\n{extra}")
        self.spawn([shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", path])
        self.wait_until_listening()


class Remote:
    """A broker that somebody else started, given as host:port."""

    def __init__(self, text):
        host, _, port = text.rpartition(":")
        self.name, self.address, self.port = text, (host or "127.0.0.1", int(port)), int(port)

    def tail(self):
        return ""

    def alive(self):
        return True


__all__ = ["BINARY", "Isthmus", "Mosquitto", "Remote", "clean_up", "config", "link", "mqtt", "quoted", "scratch"]
