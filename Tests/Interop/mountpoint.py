# SPDX-License-Identifier: Apache-2.0
# `listeners.KIND.NAME.mountpoint`: what stands before the topics of a listener's clients.
import re

from Support.broker import Isthmus, config, scratch
from Support.client import Client
from Support.ports import free_port
from Support.suite import behaviour, check
from Support.tools import isthmus
from Support.wait import equal


def broker_with(case, mountpoint, extra="", plugins=()):
    """A broker with a second listener that has the mountpoint; the answer is the broker and that listener's port."""
    port = free_port()
    text = f'listeners.tcp.mounted {{ bind = "127.0.0.1:{port}", mountpoint = "{mountpoint}" }}\n' + extra
    broker = Isthmus("mountpoint", lambda default: config(default, extra=text, plugins=plugins))
    case.finally_(broker.kill)
    return broker.start(), port


def mounted(port, client_id, **options):
    """A client of the listener with the mountpoint."""
    return Client(("127.0.0.1", port), 5, client_id).open(**options)


@behaviour()
def topics_get_the_prefix(case):
    """Publishes, filters and wills of a listener with a mountpoint get its prefix; what its clients receive loses it."""
    broker, port = broker_with(case, "sites/${clientid}/")
    whole = broker.client("whole")
    whole.subscribe("sites/#", qos=1)
    one = mounted(port, "one", will={"topic": "will", "payload": b"gone"})
    one.subscribe("#", qos=1)
    two = mounted(port, "two")
    two.subscribe("#", qos=1)
    one.publish("t", b"x", qos=1, props={"response_topic": "r"})
    equal(one.receive().topic, "t", "to itself")
    equal(whole.receive().topic, "sites/one/t", "to everybody")
    whole.publish("sites/two/u", b"y", qos=1)
    equal(two.receive().topic, "u", "from outside; nothing of the other client")
    equal(whole.receive().topic, "sites/two/u", "to itself")
    one.close()
    equal(whole.receive().topic, "sites/one/will", "will")


@behaviour()
def user_name_is_needed_where_it_stands(case):
    """Where ${username} stands in the mountpoint, a client without one is refused; with one it is kept apart."""
    broker, port = broker_with(case, "${username}/")
    mounted(port, "a", expect=0x87).expect_end()
    mounted(port, "b", username="#", password=b"x", expect=0x87).expect_end()
    whole = broker.client("whole")
    whole.subscribe("#")
    mounted(port, "c", username="ann", password=b"x").publish("t", b"x")
    equal(whole.receive().topic, "ann/t", "topic")


@behaviour()
def rules_see_what_the_client_wrote(case):
    """acl.conf is asked for the topic as the client writes it."""
    folder = scratch("acl")
    (folder / "acl.conf").write_text('{allow, all, publish, ["open"]}.\n{allow, {clientid, "whole"}, all, ["#"]}.\n')
    extra = f'authorization {{ no_match = deny, sources = [{{ type = file, path = "{folder}/acl.conf" }}] }}\n'
    broker, port = broker_with(case, "dev/", extra, ["FileACL"])
    whole = broker.client("whole")
    whole.subscribe("dev/#")
    one = mounted(port, "one")
    one.publish("open", b"x", qos=1)
    equal(one.publish("dev/open", b"y", qos=1, accepted=False).reason, 0x87, "the whole topic")
    equal(whole.receive().payload, b"x", "what came")


@behaviour()
def retained_messages_are_apart(case):
    """Retained messages of clients with other mountpoints are not each other's."""
    broker, port = broker_with(case, "dev/${clientid}/")
    mounted(port, "one").publish("t", b"1", qos=1, retain=True)
    mounted(port, "two").publish("t", b"2", qos=1, retain=True)
    for name, payload in (("one", b"1"), ("two", b"2")):
        client = mounted(port, name)
        client.subscribe("#")
        message = client.receive()
        equal((message.topic, message.payload, message.retain), ("t", payload, True), name)


@behaviour()
def mountpoint_that_cannot_be(case):
    """Unknown placeholders, wildcards and a $ at the beginning are config errors."""
    for text, pattern in (("a/${peerhost}/", r"\$\{peerhost\}"), ("a/+/", "wildcard"), ("$SYS/", r"begins with \$")):
        path = scratch("mountpoint") / "isthmus.conf"
        path.write_text(config(1883, extra=f'listeners.tcp.default.mountpoint = "{text}"\n'))
        said = isthmus("check", "--config", path, status=1).said
        check(re.search(r"isthmus\.conf:\d+:\d+: listeners\.tcp\.default\.mountpoint .*" + pattern, said), said)
