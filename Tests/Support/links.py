# SPDX-License-Identifier: Apache-2.0
# Linked brokers for the tests: a cluster is one Isthmus; links between them use the user "clink", whom the ACL file
# lets use $LINK/#. A watch reads what a broker says about a link below $SYS.
import time

from . import mqtt
from .broker import Isthmus, config, link
from .ports import free_port
from .wait import until

ACL = '{allow, {username, "clink"}, all, ["$LINK/#"]}.\n{deny, all, all, ["$LINK/#"]}.\n{allow, all}.\n'
USER = {"username": "clink", "password": "clink-secret"}


class Cluster(Isthmus):
    """A broker with links. `links`: dicts of name, port and what else link() takes."""

    def __init__(self, name, port=None, links=(), acl=ACL, extra="", cluster_name=None):
        self.node = "node-" + name
        super().__init__(name, "", port)
        acl_path = self.folder / "acl.conf"
        acl_path.write_text(acl)
        rules = f'authorization {{ no_match = allow, sources = [{{ type = file, path = "{acl_path}" }}] }}\n'
        self.write(config(
            self.port, self.node, ("FileACL", "ClusterLink"), cluster_name or name,
            [link(clientid=f"clink-{name}", **{**USER, **one}) for one in links], rules + extra))

    def watch(self, link_name):
        return Watch(self, link_name)

    def wait_online(self, *link_names):
        for name in link_names:
            with self.watch(name) as seen:
                seen.until(state="online")
        return self

    def received_routes(self, link_name, count):
        """Waits until that many routes of the peer are known here."""
        with self.watch(link_name) as seen:
            seen.until(routes_in=count)
        return self


class Watch:
    """The newest values below $SYS/brokers/NODE/links/LINK/."""

    def __init__(self, cluster, link_name):
        self.cluster = cluster
        self.prefix = f"$SYS/brokers/{cluster.node}/links/{link_name}/"
        self.client = cluster.client(f"watch-{link_name}-{time.monotonic_ns()}")
        self.client.subscribe(self.prefix + "#")
        self.values, self.heard = {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def refresh(self):
        self.client.ping()
        for message in self.client.inbox:
            if message.type == mqtt.PUBLISH and message.topic.startswith(self.prefix):
                key = message.topic[len(self.prefix):]
                self.values[key] = message.payload.decode()
                self.heard[key] = self.heard.get(key, 0) + 1
        self.client.inbox.clear()
        return self.values

    def next_round(self):
        """All figures as they are now: loops hand them over once a second, so only the third round is surely new."""
        self.refresh()
        wanted = {key: self.heard.get(key, 0) + 3 for key in ("state", "sent", "received")}
        until(lambda: self.refresh() is not None and all(self.heard.get(k, 0) >= n for k, n in wanted.items()),
              f"{self.prefix}# is published", 30)
        return self.values

    def _is(self, key, want):
        value = self.values.get(key)
        return value is not None and (want(int(value)) if callable(want) else value == str(want))

    def until(self, patience=30, **wanted):
        """Waits until every named figure has its value; a callable is asked."""
        def fits():
            self.refresh()
            return all(self._is(key, want) for key, want in wanted.items())
        try:
            until(fits, "", patience)
        except AssertionError:
            raise AssertionError(
                f"{self.prefix} never showed {wanted!r}; last: {self.values!r}") from None
        return self.values


def pair(case, left_topics=("#",), right_topics=("#",), left="left", right="right", online=True, **more):
    """Two clusters with a link each; `left_topics` is what the left one wants."""
    ports = free_port(), free_port()
    first = Cluster(left, ports[0], [{"name": right, "port": ports[1], "topics": left_topics}], **more)
    second = Cluster(right, ports[1], [{"name": left, "port": ports[0], "topics": right_topics}], **more)
    for one in (first, second):
        case.finally_(one.kill)
        one.start()
    if online:
        first.wait_online(right)
        second.wait_online(left)
    return first, second


def mesh(case, count, connected=lambda a, b: True):
    """Clusters c0, c1, ... with links between all pairs that `connected` names."""
    ports = [free_port() for _ in range(count)]
    clusters = []
    for number in range(count):
        peers = [n for n in range(count) if n != number and connected(number, n)]
        clusters.append(Cluster(f"c{number}", ports[number], [{"name": f"c{n}", "port": ports[n]} for n in peers]))
        case.finally_(clusters[-1].kill)
    for one in clusters:
        one.start()
    for number, one in enumerate(clusters):
        one.wait_online(*[f"c{n}" for n in range(count) if n != number and connected(number, n)])
    return clusters


def listener(cluster, filter_, qos=1, name="listener", version=5, **options):
    client = cluster.client(f"{name}-{time.monotonic_ns()}", version, **options)
    client.subscribe(filter_, qos=qos)
    return client


def cross(source, target, qos=1):
    """A fence over the link: what was under way from source to target has arrived when it returns."""
    filter_ = f"fence/{time.monotonic_ns()}"
    ear, mouth = listener(target, filter_, qos), source.client(f"mouth-{time.monotonic_ns()}")

    def arrived():
        mouth.publish(filter_, b"fence", qos=qos)
        ear.ping()
        return any(p.type == mqtt.PUBLISH for p in ear.inbox)
    until(arrived, f"a message crosses the link from {source.name} to {target.name}", interval=0.05)
    ear.close()
    mouth.close()


def say(cluster, topic, payload, qos=1, **more):
    """Publishes from a client that is the same for all calls: a link keeps the order of each publisher."""
    client = cluster.client("say")
    client.publish(topic, payload, qos=qos, **more)
    client.close()


def drained(client):
    """The payloads of all messages that have come so far; they are acknowledged."""
    client.ping()
    found = [p for p in client.inbox if p.type == mqtt.PUBLISH]
    for message in found:
        client.inbox.remove(message)
        client.acknowledge(message)
    return [message.payload for message in found]
