# SPDX-License-Identifier: Apache-2.0
# `$delayed/N/topic`: published N seconds later, as EMQX does it.
import time

from Support.broker import Isthmus, config
from Support.suite import behaviour, check
from Support.wait import equal


def broker_with(case, extra="", plugins=(), files=None):
    broker = Isthmus("delayed", "")
    case.finally_(broker.kill)
    for name, text in (files or {}).items():
        (broker.folder / name).write_text(text)
    broker.write(config(broker.port, plugins=plugins, extra=extra.replace("{folder}", str(broker.folder))))
    return broker.start()


@behaviour(versions=(4, 5))
def delayed_message_comes_later(case):
    """A message to $delayed/1/TOPIC comes on TOPIC after a second, although its publisher has gone."""
    broker = broker_with(case)
    reader = broker.client("r", case.version)
    reader.subscribe("a/b", qos=1)
    writer = broker.client("w", case.version)
    started = time.monotonic()
    writer.publish("$delayed/1/a/b", b"x", qos=1)
    writer.disconnect()
    reader.receive(b"x", topic="a/b", qos=1)
    check(time.monotonic() - started > 0.95, "it came too early")


@behaviour()
def malformed_delay_is_refused(case):
    """What stands for N and is no number, or has no topic behind it, is refused with 0x90 and goes nowhere."""
    broker = broker_with(case)
    reader, writer = broker.client("r"), broker.client("w")
    reader.subscribe("#", "$delayed/#")
    for topic in ("$delayed/a", "$delayed/x/a", "$delayed/5", "$delayed/5/", "$delayed//a"):
        equal(writer.publish(topic, b"x", qos=1, accepted=False).reason, 0x90, topic)
    case.fence(reader, writer)


@behaviour()
def more_than_the_limit_are_refused(case):
    """Beyond delayed.max_delayed_messages a message is refused with 0x97."""
    writer = broker_with(case, "delayed.max_delayed_messages = 1\n").client("w")
    equal(writer.publish("$delayed/1000/a", b"x", qos=1, accepted=False).reason, 0, "the first")
    equal(writer.publish("$delayed/1000/a", b"x", qos=2, accepted=False).reason, 0x97, "the second")


@behaviour()
def inner_topic_is_authorised(case):
    """Rules are asked for the topic behind the delay, when the message comes."""
    broker = broker_with(
        case,
        'authorization { no_match = deny, sources = [{ type = file, path = "{folder}/acl.conf" }] }\n',
        ["FileACL"],
        {"acl.conf": '{allow, all, publish, ["open/#"]}.\n{allow, all, subscribe, ["#"]}.\n'},
    )
    writer = broker.client("w")
    equal(writer.publish("$delayed/0/secret", b"x", qos=1, accepted=False).reason, 0x87, "secret")
    twice = writer.publish("$delayed/0/$delayed/0/secret", b"x", qos=1, accepted=False)
    equal(twice.reason, 0x87, "secret behind two delays")
    reader = broker.client("r")
    reader.subscribe("#")
    writer.publish("$delayed/0/open/a", b"x", qos=1)
    reader.receive(b"x", topic="open/a")


@behaviour()
def switched_off_it_is_a_topic(case):
    """With delayed.enable = false the topic is one like others."""
    broker = broker_with(case, "delayed.enable = false\n")
    reader, writer = broker.client("r"), broker.client("w")
    reader.subscribe("$delayed/#")
    writer.publish("$delayed/5/a", b"x", qos=1)
    reader.receive(b"x", topic="$delayed/5/a")
