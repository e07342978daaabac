# SPDX-License-Identifier: Apache-2.0
"""Isthmus as a site would run it: with passwords, a thousand access rules, and a link to a second broker.

A thousand users; 998 rules about other users, clients, networks and topics in front of the one that lets the load in;
a linked peer that is idle and wants none of the load's topics.
"""

import contextlib
import hashlib
import pathlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from .brokers import Broker, Endpoint, isthmus
from .process import Prepared, free_port, started

USERNAME, PASSWORD = "bench", "benchmark"
LINK_USERNAME, LINK_PASSWORD = "link", "link-password"
OTHER_USERS = 998
OTHER_RULES = 997  # and the link's

# What a broker logs when the other one knows what it wants: the link is up then.
LINK_IS_UP = "routes are online"

CONFIGURATION = """\
node {{ event_loops = 1, name = "isthmus@{cluster}" }}
listeners.tcp.default.bind = "127.0.0.1:{port}"
mqtt.max_inflight = 1000
mqtt.max_awaiting_rel = 1000
mqtt.max_subscriptions = infinity
log.console.level = notice
plugins = [{{ name = PasswordAuth }}, {{ name = FileACL }}, {{ name = ClusterLink }}]
authentication = [{{
  mechanism = password_based, backend = built_in_database
  bootstrap_file = "{folder}/users.csv", bootstrap_type = hash
  password_hash_algorithm {{ name = sha256, salt_position = prefix }}
}}]
authorization {{ no_match = deny, sources = [{{ type = file, path = "{folder}/acl.conf" }}] }}
cluster {{ name = {cluster}, links = [{{
  name = {peer}, server = "127.0.0.1:{peer_port}", topics = ["elsewhere/#"]
  username = """ + LINK_USERNAME + ", password = " + LINK_PASSWORD + """
}}] }}
"""


@dataclass(frozen=True)
class LinkedBroker(Broker):
    """Isthmus with the stock plugins, beside the idle broker that it is linked to."""

    @contextlib.contextmanager
    def running(self, cores: frozenset[int] | None, needs: frozenset[str] = frozenset()) -> Iterator[Endpoint]:
        """The broker once the link is up; the peer is not pinned."""
        with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as folder:
            pathlib.Path(folder, "users.csv").write_text(_users())
            pathlib.Path(folder, "acl.conf").write_text("\n".join(_rules()) + "\n")
            port, peer_port = free_port(), free_port()
            peer = self._prepared(folder, "peer", peer_port, self.name, port)
            own = self._prepared(folder, self.name, port, "peer", peer_port)
            with started("peer", peer, None) as other, started(self.name, own, cores) as process:
                for each in (other, process):
                    each.wait(lambda log: LINK_IS_UP in log, "link itself to the other broker")
                yield Endpoint("127.0.0.1", port, process.pid, (USERNAME, PASSWORD))

    def _prepared(self, folder: str, cluster: str, port: int, peer: str, peer_port: int) -> Prepared:
        config = pathlib.Path(folder, f"{cluster}.conf")
        config.write_text(CONFIGURATION.format(folder=folder, cluster=cluster, port=port, peer=peer, peer_port=peer_port))
        return Prepared([part.format(config=config, port=port) for part in self.command], folder, port)


def isthmus_plugins(binary: str, plugin_folder: str) -> Broker:
    plain = isthmus(binary, plugin_folder)
    plugins = frozenset({"plugins"})
    return LinkedBroker("isthmus-plugins", plain.command, offers=plugins, only_for=plugins, version=plain.version,
                        settings="PasswordAuth with 1,000 users; FileACL with 1,000 rules; ClusterLink with one link")


def _users() -> str:
    users = [(USERNAME, PASSWORD), (LINK_USERNAME, LINK_PASSWORD),
             *((f"device-{i}", f"password-{i}") for i in range(OTHER_USERS))]
    lines = ["user_id,password_hash,salt,is_superuser"]
    for name, password in users:
        salt = f"salt-of-{name}"
        lines.append(f"{name},{hashlib.sha256((salt + password).encode()).hexdigest()},{salt},false")
    return "\n".join(lines) + "\n"


def _rules() -> list[str]:
    """A fifth each about users, clients, networks, subscriptions of everybody, and everything of everybody."""
    kinds = (
        '{{allow, {{username, "device-{0}"}}, all, ["devices/{0}/#"]}}.',
        '{{allow, {{clientid, "gateway-{0}"}}, publish, ["raw/{0}/+/in"]}}.',
        '{{deny, {{ipaddr, "10.{1}.{2}.0/24"}}, all, ["#"]}}.',
        '{{deny, all, subscribe, ["private/{0}/#"]}}.',
        '{{allow, all, all, ["sites/{0}/+/state"]}}.',
    )
    others = [kinds[i % len(kinds)].format(i, i // 250, i % 250) for i in range(OTHER_RULES)]
    return [
        *others,
        f'{{allow, {{username, "{LINK_USERNAME}"}}, all, ["$LINK/#"]}}.',
        f'{{allow, {{username, "{USERNAME}"}}, all, all}}.',
        "{deny, all}.",
    ]
