# SPDX-License-Identifier: Apache-2.0
# Links that must not come up, and clients that abuse $LINK: refused, with the reason in the log, and nobody disturbed.
import hashlib
import socket

from Support import mqtt, terms
from Support.broker import BINARY, Isthmus, config, link
from Support.client import Client
from Support.links import USER, Cluster, cross, listener, pair, say
from Support.ports import free_port
from Support.suite import behaviour, check
from Support.wait import equal, until

ROUTE = "$LINK/cluster/route/right"
RESP = "$LINK/cluster/resp/right/intruder@host"
MSG = "$LINK/cluster/msg/right"


def two(case, left, right):
    """Two clusters as described by (name, links...) that are not expected to link."""
    for one in (left, right):
        case.finally_(one.kill)
        one.start()
    return left, right


def said(cluster, *words):
    until(lambda: all(w.lower() in cluster.log.lower() for w in words),
          f"the log of {cluster.name} says {words!r}:\n{cluster.tail()}")


@behaviour()
def wrong_name_of_the_peer(case):
    """A link whose name is not the peer's cluster.name is refused, and both logs say so."""
    ports = free_port(), free_port()
    left, right = two(case, Cluster("left", ports[0], [{"name": "rihgt", "port": ports[1]}]),
                      Cluster("right", ports[1], [{"name": "left", "port": ports[0]}]))
    said(left, "rihgt")
    said(right, "left")
    until(lambda: "bad_remote_cluster_link_name" in left.log or "rihgt" in right.log or "name" in left.log,
          "the reason is told")
    ears = listener(right, "t")
    for _ in range(3):
        say(left, "t", b"x")
    ears.ping()
    equal(ears.inbox, [], "messages")


@behaviour()
def unknown_cluster_is_refused(case):
    """A cluster that has no link entry at the other side is refused, and the logs say who."""
    ports = free_port(), free_port()
    left, right = two(case, Cluster("left", ports[0], [{"name": "right", "port": ports[1]}]),
                      Cluster("right", ports[1]))
    said(right, "left")
    said(left, "right", "unknown_cluster")
    with left.watch("right") as seen:
        check(seen.next_round()["state"] != "online", f"{seen.values}")


@behaviour()
def disabled_link_is_refused(case):
    """A link that is disabled at the other side is refused with that reason."""
    ports = free_port(), free_port()
    left, right = two(case, Cluster("left", ports[0], [{"name": "right", "port": ports[1]}]),
                      Cluster("right", ports[1], [{"name": "left", "port": ports[0], "enable": False}]))
    said(left, "cluster_link_disabled")
    check(right.alive(), "the broker has ended")


@behaviour()
def link_without_an_acl_rule(case):
    """Without an ACL rule for $LINK/# the link is refused, and the log says that it is not authorised."""
    ports = free_port(), free_port()
    left, right = two(case, Cluster("left", ports[0], [{"name": "right", "port": ports[1]}]),
                      Cluster("right", ports[1], [{"name": "left", "port": ports[0]}], acl="{allow, all}.\n"))
    until(lambda: "0x87" in left.log or "authori" in left.log.lower(), f"the reason is told:\n{left.tail()}")
    with left.watch("right") as seen:
        check(seen.next_round()["state"] != "online", f"{seen.values}")


@behaviour()
def link_with_a_wrong_password(case):
    """A link with a wrong password is refused, and the log says why."""
    peer = Isthmus("right", "")
    case.finally_(peer.kill)
    users = peer.folder / "users.csv"
    hashed = hashlib.sha256(b"right").hexdigest()
    users.write_text(f"user_id,password_hash,salt,is_superuser\nclink,{hashed},,false\n")
    peer.write(config(peer.port, plugins=["PasswordAuth"], extra=(
        "authentication = [{ mechanism = password_based, backend = built_in_database, password_hash_algorithm "
        f'{{ name = sha256, salt_position = disable }}, bootstrap_type = hash, bootstrap_file = "{users}" }}]\n')))
    peer.start()
    left = Cluster("left", links=[{"name": "right", "port": peer.port}])
    case.finally_(left.kill)
    left.start()
    until(lambda: "0x86" in left.log or "0x87" in left.log or "password" in left.log.lower()
          or "authori" in left.log.lower(), f"the reason is told:\n{left.tail()}")


@behaviour()
def peer_that_is_no_broker(case):
    """A link whose server accepts connections and says nothing, or is not there, does not disturb local clients."""
    silent = socket.create_server(("127.0.0.1", free_port()))
    case.finally_(silent.close)
    left = Cluster("left", links=[{"name": "silent", "port": silent.getsockname()[1]},
                                  {"name": "absent", "port": free_port()}])
    case.finally_(left.kill)
    left.start()
    ears = listener(left, "t")
    say(left, "t", b"local")
    ears.receive("local")
    equal(left.stop(), 0, "exit status")


@behaviour()
def open_link_without_an_acl(case):
    """With the plugin's option `open` links work without an ACL, for trials."""
    ports = free_port(), free_port()
    brokers = []
    for me, peer, own, other in (("left", "right", *ports), ("right", "left", *reversed(ports))):
        text = config(own, f"node-{me}", (), me, [link(peer, other, **USER)]).replace(
            "plugins = []", "plugins = [{ name = ClusterLink, config { open = true } }]")
        broker = Isthmus(me, text, own, BINARY.parent)
        case.finally_(broker.kill)
        brokers.append(broker.start())
    ears = listener(brokers[1], "t")

    def arrives():
        say(brokers[0], "t", b"x")
        ears.ping()
        return ears.inbox
    until(arrives, "a message crosses")


def intruder(broker, subscribed=True):
    """A client that the ACL lets use $LINK/#, but that is no broker."""
    client = Client(broker.address, 5, "intruder").open(username="clink", password=b"x")
    if subscribed:
        client.subscribe(RESP, qos=1)
    return client


@behaviour()
def hostile_payloads_are_thrown_out(case):
    """Hostile payloads to $LINK/cluster/route end their connection with 0x83; memory stays and others are served."""
    left, right = pair(case)
    ears = listener(left, "t/#")
    cross(right, left)
    samples = terms.hostile()
    intruder(left).close()
    before = left.resident_kib()
    for name, payload in samples.items():
        client = intruder(left)
        client.send(mqtt.publish(5, ROUTE, payload, 1, pid=9))
        try:
            client.expect_end(reasons=[0x83])
        except AssertionError as failure:
            raise AssertionError(f"{name}: {failure}") from None
        say(right, "t/x", name.encode())
        ears.receive(name.encode())
    grown = left.resident_kib() - before
    check(grown < 48 * 1024, f"{grown} KiB more memory after {len(samples)} hostile payloads")


@behaviour()
def hostile_messages_are_thrown_out(case):
    """Hostile payloads to $LINK/cluster/msg end their connection with 0x83 and are counted; others are served."""
    left, right = pair(case)
    ears = listener(left, "t/#")
    cross(right, left)
    intruder(left, subscribed=False).close()
    before = left.resident_kib()
    ended = 0
    for name, payload in terms.hostile().items():
        client = intruder(left, subscribed=False)
        client.send(mqtt.publish(5, MSG, payload, 1, pid=9))
        answer = client.next()
        if answer.type == mqtt.DISCONNECT:
            equal(answer.reason, 0x83, f"{name}: reason code")
            ended += 1
        else:
            # A term, but not one that a message is made of.
            equal((answer.type, answer.reason), (mqtt.PUBACK, 0x10), f"{name}: answer")
        say(right, "t/x", name.encode())
        ears.receive(name.encode())
    check(ended > len(terms.hostile()) / 2, f"only {ended} of {len(terms.hostile())} ended their connection")
    check(left.resident_kib() - before < 48 * 1024, "memory grew")
    with left.watch("right") as seen:
        seen.until(protocol_errors=ended)


@behaviour()
def message_outside_the_topics_is_dropped(case):
    """A message of the peer whose topic is not in the link's topics is dropped."""
    left, right = pair(case, left_topics=["wanted/#"])
    ears = listener(left, "#")
    client = intruder(left, subscribed=False)
    for topic in (b"other/x", b"$SYS/x", b"wanted/+", b"a\0b", b"", b"wanted/x"):
        client.publish(MSG, terms.message(topic, topic), qos=1, accepted=False)
    ears.receive(b"wanted/x", topic="wanted/x")
    ears.ping()
    equal(ears.inbox, [], "further messages")


@behaviour()
def message_of_an_unknown_cluster_is_dropped(case):
    """A message in the name of a cluster that there is no link for is dropped."""
    left, _ = pair(case)
    ears = listener(left, "#")
    client = intruder(left, subscribed=False)
    client.publish("$LINK/cluster/msg/stranger", terms.message(b"t", b"x"), qos=1, accepted=False)
    client.publish(MSG, terms.message(b"end", b"end"), qos=1)
    ears.receive("end")


@behaviour()
def stale_incarnation_is_refused(case):
    """An actor with an older incarnation than the known one is disconnected with 0x83."""
    left, _ = pair(case)
    first = intruder(left)
    props = {"response_topic": RESP, "correlation_data": b"0123456789abcdef"}
    first.send(mqtt.publish(5, ROUTE, terms.actor_init(b"left", incarnation=10), 1, pid=1, props=props))
    answer = first.take(mqtt.PUBLISH)
    equal(answer.properties.get("correlation_data"), b"0123456789abcdef", "Correlation Data")
    second = Client(left.address, 5, "intruder-2").open(username="clink", password=b"x")
    second.send(mqtt.publish(5, ROUTE, terms.actor_init(b"left", incarnation=5), 1, pid=1, props=props))
    second.expect_end(reasons=[0x83])


@behaviour()
def compressed_terms_are_understood(case):
    """A peer that compresses its terms is understood."""
    left, _ = pair(case)
    ears = listener(left, "z/#")
    client = intruder(left, subscribed=False)
    client.publish(MSG, terms.message(b"z/x", b"A" * 2000, compressed=True), qos=1)
    ears.receive(b"A" * 2000, topic="z/x")


@behaviour()
def peer_in_python_takes_routes_and_gets_messages(case):
    """A peer that speaks the link protocol by hand is accepted and gets what it asked for, exactly that."""
    left = Cluster("left", links=[{"name": "right", "port": free_port()}])
    case.finally_(left.kill)
    left.start()
    client = intruder(left)
    props = {"response_topic": RESP, "correlation_data": b"c0ffee"}
    client.publish(ROUTE, terms.actor_init(b"left"), qos=1, props=props)
    answer = client.take(mqtt.PUBLISH, topic=RESP)
    client.acknowledge(answer)
    check(b"actor_init_ack" in answer.payload and b"\x77\x02ok" in answer.payload, f"{answer!r}")
    client.publish(ROUTE, terms.routes([(b"t/1", b"t/1"), (b"t/+/x", b"t/#")]), qos=1)
    left.received_routes("right", 2)
    client.publish(ROUTE, terms.routes([(100, b"t/1", b"t/1")]), qos=1)
    left.received_routes("right", 1)


@behaviour()
def a_link_to_itself(case):
    """A link whose server is the broker's own address is told so."""
    port = free_port()
    own = Cluster("left", port, [{"name": "right", "port": port}])
    case.finally_(own.kill)
    own.start()
    said(own, f"Link right: right refused the link with own_address: 127.0.0.1:{port} is this broker itself")


@behaviour()
def a_peer_with_our_own_name(case):
    """A cluster that calls itself as we do is refused, and the log says what to change."""
    ports = free_port(), free_port()
    two(case, Cluster("left", ports[0], [{"name": "right", "port": ports[1]}], cluster_name="same"),
        right := Cluster("right", ports[1], cluster_name="same"))
    said(right, 'A cluster with our own cluster.name, "same", wants to link', "give each cluster a name of its own")
