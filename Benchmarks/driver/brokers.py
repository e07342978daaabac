# SPDX-License-Identifier: Apache-2.0
"""The brokers that are measured: on which configuration each runs, and what it offers.

A broker started here is a fresh process per measurement, pinned to one core. One that runs already is only talked to.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import build
from .process import BrokerError, Prepared, START_SECONDS, free_port, started

MOSQUITTO_CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
max_inflight_messages 1000
set_tcp_nodelay {nodelay}
log_type none
"""

ISTHMUS_CONFIGURATION = """\
node.event_loops = 1
listeners.tcp.default.bind = "127.0.0.1:{port}"
mqtt.max_inflight = 1000
mqtt.max_awaiting_rel = 1000
mqtt.max_subscriptions = infinity
plugins = []
"""

# By what a row needs: what is added to the configuration for it, so that other rows measure a broker without. A listener
# added here is the one that the load generator connects to; {folder} has certificate.pem and key.pem if TLS is needed.
MOSQUITTO_ADDITIONS = {
    "tls": """\
listener {listener_port} 127.0.0.1
certfile {folder}/certificate.pem
keyfile {folder}/key.pem
""",
    "websocket": """\
listener {listener_port} 127.0.0.1
protocol websockets
""",
    # Its default, and that of Isthmus: without a limit, memory says only how long the row lasts.
    "limited-queues": """\
max_queued_messages 1000
""",
}

ISTHMUS_ADDITIONS = {
    "tls": """\
listeners.ssl.default {{
  bind = "127.0.0.1:{listener_port}"
  ssl_options {{ certfile = "{folder}/certificate.pem", keyfile = "{folder}/key.pem" }}
}}
""",
    "websocket": """\
listeners.ws.default.bind = "127.0.0.1:{listener_port}"
""",
    "limited-queues": "",
    "two-loops": """\
node.event_loops = 2
""",
}

# What both brokers offer as they are configured anyhow; they offer what they have an addition for, too.
ALL_OF_MQTT = frozenset({"retained", "shared", "sessions", "wildcards", "wills"})
# A process of our own can be started by the load generator, and stopped for moments.
OUR_PROCESS = frozenset({"start"})
# A session that is left takes no longer when there are many: mosquitto 2.0 needs a minute for 100,000.
MANY_SESSIONS = frozenset({"many-sessions"})


@dataclass(frozen=True)
class Endpoint:
    host: str
    port: int
    pid: int = 0  # 0 = unknown
    login: tuple[str, str] | None = None  # user name and password that it asks for


@dataclass(frozen=True)
class Broker:
    """A broker by name. `command` holds {config} and {port}; without a command it runs already, at `endpoint`.

    A row that needs what is not in `offers` is not measured with this broker, nor one that does not need all that is
    in `only_for`.
    """

    name: str
    command: tuple[str, ...] = ()
    configuration: str = ""
    additions: dict[str, str] = field(default_factory=dict)  # configuration by what a row needs
    offers: frozenset[str] = frozenset()
    only_for: frozenset[str] = frozenset()
    endpoint: Endpoint = Endpoint("", 0)
    version: str = "unknown version"
    settings: str = field(default="as it runs")

    def can(self, needs: frozenset[str]) -> bool:
        return self.only_for <= needs <= self.offers

    @contextlib.contextmanager
    def running(self, cores: frozenset[int] | None, needs: frozenset[str] = frozenset()) -> Iterator[Endpoint]:
        """The broker with what a row needs of it, at the port where the row's clients connect."""
        if not self.command:
            yield self.endpoint
            return
        with self.prepared(needs) as prepared, started(self.name, prepared, cores) as process:
            yield Endpoint("127.0.0.1", prepared.port, process.pid)

    @contextlib.contextmanager
    def prepared(self, needs: frozenset[str]) -> Iterator[Prepared]:
        """The configuration of one process, with what a row needs, as files."""
        with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as folder:
            port, listener_port = free_port(), free_port()
            if "tls" in needs:
                make_certificate(folder)
            config = pathlib.Path(folder, f"{self.name}.conf")
            added = "".join(self.additions.get(need, "") for need in sorted(needs))
            config.write_text(self.configuration.format(port=port)
                              + added.format(listener_port=listener_port, folder=folder))
            yield Prepared([part.format(config=config, port=port) for part in self.command], folder,
                           listener_port if "{listener_port}" in added else port)


def make_certificate(folder: str) -> None:
    """Self-signed, ECDSA P-256, as a certificate of today mostly is."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", "/CN=127.0.0.1", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BrokerError(f"openssl made no certificate: {result.stderr.strip()}")
    # A broker that is started by root may read it as somebody else.
    pathlib.Path(folder).chmod(0o755)
    pathlib.Path(folder, "key.pem").chmod(0o644)


def _first_line(*command: str) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown version"
    lines = result.stdout.strip().splitlines()
    return lines[0] if lines and len(lines[0]) < 80 else "unknown version"


def _settings(configuration: str) -> str:
    return "; ".join(configuration.format(port="PORT").strip().splitlines())


def mosquitto(binary: str, name: str = "mosquitto", nodelay: bool = True) -> Broker:
    """Mosquitto, looked for outside of PATH too: distributions put it into sbin."""
    path = shutil.which(binary, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        raise BrokerError(f"{binary} was not found; install mosquitto, or name it with --mosquitto PATH.")
    configuration = MOSQUITTO_CONFIGURATION.format(port="{port}", nodelay="true" if nodelay else "false")
    offers = ALL_OF_MQTT | OUR_PROCESS | MOSQUITTO_ADDITIONS.keys()
    # It can be built without.
    if b"libwebsockets" not in pathlib.Path(path).read_bytes():
        offers -= {"websocket"}
    return Broker(name, (path, "-c", "{config}"), configuration, MOSQUITTO_ADDITIONS,
                  offers, version=_first_line(path, "-h"), settings=_settings(configuration))


def isthmus(binary: str, plugin_folder: str) -> Broker:
    path = pathlib.Path(binary).resolve()
    if not os.access(path, os.X_OK):
        raise BrokerError(f"isthmus was not found at {binary}; build it with \"swift build -c release\", "
                          "or name it with --isthmus PATH.")
    command = (str(path), "run", "--config", "{config}", "--plugin-dir", str(pathlib.Path(plugin_folder).resolve()))
    # "plugins": it can have them; stock_plugins.py has the broker that does.
    offers = ALL_OF_MQTT | OUR_PROCESS | MANY_SESSIONS | ISTHMUS_ADDITIONS.keys() | {"plugins"}
    return Broker("isthmus", command, ISTHMUS_CONFIGURATION, ISTHMUS_ADDITIONS, offers,
                  version=_first_line(str(path), "--version"), settings=_settings(ISTHMUS_CONFIGURATION))


def reference() -> Broker:
    """The reference broker of this folder: what one core can do with none of the features."""
    try:
        path = build.reference()
    except build.BuildError as error:
        raise BrokerError(str(error)) from error
    return Broker("reference", (str(path), "{port}"), offers=OUR_PROCESS, version="Benchmarks/reference", settings=" ".join(build.FLAGS))


def external(text: str) -> Broker:
    """A running broker given as NAME=HOST:PORT, or NAME=HOST:PORT@PID when it runs on this machine."""
    name, _, address = text.partition("=")
    address, _, pid = address.partition("@")
    host, _, port = address.rpartition(":")
    if not (name and host and port.isdigit() and (not pid or pid.isdigit())):
        raise BrokerError(f"\"{text}\" is not NAME=HOST:PORT or NAME=HOST:PORT@PID.")
    return Broker(name, offers=ALL_OF_MQTT, endpoint=Endpoint(host, int(port), int(pid or 0)))
