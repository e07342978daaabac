# SPDX-License-Identifier: Apache-2.0
# `retainer { … }`: what is kept, for how long, and what subscribers see of it.
from Support.broker import Isthmus, config
from Support.suite import behaviour, check
from Support.tools import isthmus
from Support.wait import equal, until


def broker_with(case, extra):
    broker = Isthmus("retainer", lambda port: config(port, extra=extra))
    case.finally_(broker.kill)
    return broker.start()


def kept(broker, topic="#"):
    """The retained messages of a filter, by topic."""
    client = broker.client()
    client.subscribe(topic)
    client.publish("end/of/them", b"")
    client.subscribe("end/of/them")
    client.publish("end/of/them", b"end")
    found = {}
    while (message := client.receive()).payload != b"end":
        if message.retain:
            found[message.topic] = message.payload
    client.close()
    return found


@behaviour()
def new_topics_beyond_the_limit_are_not_kept(case):
    """Beyond backend.max_retained_messages those of new topics are delivered but not kept; known ones are replaced."""
    broker = broker_with(case, "retainer.backend.max_retained_messages = 2\n")
    writer, reader = broker.client("w"), broker.client("r")
    reader.subscribe("#")
    for topic, text in (("a", b"1"), ("b", b"1"), ("c", b"1"), ("d", b"1"), ("a", b"2")):
        writer.publish(topic, text, qos=1, retain=True)
        reader.receive(text, topic=topic)
    equal(kept(broker), {"a": b"2", "b": b"1"}, "kept")
    equal(broker.log.count("a retained message is not kept"), 2, "lines of log")
    until(lambda: broker.sys("test", "metrics/messages/retained/dropped") == "2", "two are counted")


@behaviour()
def switched_off_nothing_is_kept(case):
    """With retainer.enable = false a retained message is delivered and not kept."""
    broker = broker_with(case, "retainer.enable = false\n")
    writer, reader = broker.client("w"), broker.client("r")
    reader.subscribe("a")
    writer.publish("a", b"x", qos=1, retain=True)
    reader.receive(b"x")
    equal(kept(broker), {}, "kept")


@behaviour()
def messages_expire_by_the_setting(case):
    """msg_expiry_interval is the life of messages that do not say how long they live; they leave by themselves."""
    broker = broker_with(case, "retainer.msg_expiry_interval = 1s\n")
    writer = broker.client("w")
    writer.publish("short", b"x", qos=1, retain=True)
    writer.publish("long", b"x", qos=1, retain=True, props={"message_expiry": 1000})
    until(lambda: kept(broker) == {"long": b"x"}, "the short one is gone")


@behaviour()
def override_shortens_the_life(case):
    """msg_expiry_interval_override is the longest life, but for messages that live for ever."""
    broker = broker_with(case, "retainer.msg_expiry_interval_override = 1s\n")
    writer = broker.client("w")
    writer.publish("ever", b"x", qos=1, retain=True)
    writer.publish("long", b"x", qos=1, retain=True, props={"message_expiry": 1000})
    until(lambda: kept(broker) == {"ever": b"x"}, "the long one is gone")


@behaviour()
def clearing_message_may_stop(case):
    """With stop_publish_clear_msg the empty message clears, and subscribers do not see it."""
    broker = broker_with(case, "retainer.stop_publish_clear_msg = true\n")
    writer, reader = broker.client("w"), broker.client("r")
    reader.subscribe("a")
    writer.publish("a", b"x", qos=1, retain=True)
    reader.receive(b"x")
    writer.publish("a", b"", qos=1, retain=True)
    case.fence(reader, writer)
    equal(kept(broker), {}, "kept")


@behaviour()
def publish_rate_limits_what_is_kept(case):
    """Retained messages beyond max_publish_rate are delivered and not kept."""
    broker = broker_with(case, 'retainer.max_publish_rate = "3/1h"\n')
    writer, reader = broker.client("w"), broker.client("r")
    reader.subscribe("#")
    for number in range(5):
        writer.publish(str(number), b"x", qos=1, retain=True)
        reader.receive(b"x", topic=str(number))
    check(len(kept(broker)) <= 3, "more are kept than the rate allows")


@behaviour()
def what_emqx_has_is_accepted(case):
    """A retainer and mqtt block as EMQX writes it is in order; a rate that is none is named with its place."""
    broker = Isthmus("retainer", "")
    broker.write(config(broker.port, extra="""
        retainer {
          enable = true, msg_expiry_interval = 0s, msg_clear_interval = 0s, max_payload_size = 1MB
          allow_never_expire = true, msg_expiry_interval_override = disabled
          stop_publish_clear_msg = false, delivery_rate = "1000/s", max_publish_rate = "1000/s"
          backend { type = built_in_database, storage_type = ram, max_retained_messages = 0, enable = true
                    index_specs = [[1, 2, 3], [1, 3]] }
        }
        mqtt {
          max_mqueue_len = infinity, mqueue_priorities { "t/1" = 10, "t/2" = 8 }, mqueue_default_priority = highest
          max_awaiting_rel = infinity, await_rel_timeout = 300s, retry_interval = 30s, max_inflight = 32
        }
        delayed { enable = true, max_delayed_messages = 0 }
        """))
    isthmus("check", "--config", broker.conf_path)
    broker.write(config(broker.port, extra='retainer.delivery_rate = "fast"\n'))
    text = isthmus("check", "--config", broker.conf_path, status=1).said
    check("retainer.delivery_rate must be" in text, text)
