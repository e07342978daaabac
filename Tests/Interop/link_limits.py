# SPDX-License-Identifier: Apache-2.0
# What a link's peer takes, and what is demanded of its TLS.
from Support.links import Cluster, cross, listener, say
from Support.ports import free_port
from Support.suite import behaviour, check
from Support.tls import certificates
from Support.wait import until


def linked(case, ssl=None, **right):
    """left, whose link to right speaks TLS if there are options for it, and right, which links back in plain."""
    ports, secure = (free_port(), free_port()), free_port()
    made = certificates()
    right["extra"] = right.get("extra", "") + (
        f'listeners.ssl.default {{ bind = "127.0.0.1:{secure}", ssl_options {{ versions = ["tlsv1.3"], '
        f'certfile = "{made}/below.pem", keyfile = "{made}/below.key", cacertfile = "{made}/middle.pem" }} }}\n')
    to_right = {"name": "right", "port": ports[1]}
    if ssl:
        to_right.update(port=secure, ssl={"enable": True, "verify": "verify_peer", "cacertfile": f"{made}/ca.pem",
                                          "server_name_indication": "localhost", **ssl})
    first = Cluster("left", ports[0], [to_right])
    second = Cluster("right", ports[1], [{"name": "left", "port": ports[0]}], **right)
    for one in (first, second):
        case.finally_(one.kill)
        one.start()
    second.wait_online("left")
    return first, second


@behaviour()
def a_route_that_is_too_large(case):
    """A filter that no packet of the peer's can hold is left out, counted and named; the other routes are announced."""
    left, right = linked(case, extra="mqtt.max_packet_size = 4KB\n")
    ears = listener(left, "x" * 6000)
    ears.subscribe("t/1")
    with left.watch("right") as seen:
        seen.until(state="online", routes_out=1, routes_left_out=1)
    right.received_routes("left", 1)
    check("a filter of 6000 bytes, is left out: the peer takes packets of 4096 bytes" in left.log, left.tail())
    say(right, "t/1", b"wanted")
    ears.receive("wanted")


@behaviour()
def a_message_that_is_too_large(case):
    """A message that is larger than the peer takes is dropped and counted; those behind it cross."""
    left, right = linked(case, extra="mqtt.max_packet_size = 4KB\n")
    left.wait_online("right")
    ears = listener(right, "t/#", qos=1)
    left.received_routes("right", 1)
    say(left, "t/large", b"x" * 5000)
    say(left, "t/small", b"small")
    ears.receive("small")
    with left.watch("right") as seen:
        seen.until(**{"dropped/refused_by_peer": 1})
    check("is larger than the peer takes, packets of 4096 bytes" in left.log, left.tail())


@behaviour()
def tls_of_a_link(case):
    """`ssl.versions`, `ssl.depth` and `ssl.ciphers` of a link decide about its connections."""
    left, right = linked(case, ssl={"versions": ["tlsv1.3"], "depth": 1, "ciphers": "TLS_AES_256_GCM_SHA384"})
    left.wait_online("right")
    cross(right, left)
    for refused, why in ({"versions": ["tlsv1.2"]}, "TLS"), ({"depth": 0}, "certificate chain too long"):
        other, _ = linked(case, ssl=refused)
        with other.watch("right") as seen:
            until(lambda: why in seen.refresh().get("last_error", ""), f"{refused} is told: {other.tail()}")
            check(seen.values["state"] == "connecting", f"{refused}: {seen.values}")
