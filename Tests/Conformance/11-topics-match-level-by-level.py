# SPDX-License-Identifier: Apache-2.0
# Topic names and topic filters: which match, which may not be, and which letters they may have.
from Support import mqtt
from Support.client import Closed
from Support.suite import both, check
from Support.wait import equal

DEEP = "/".join("abcdefghij" * 3)

# (what it shows, filter, topics that match, topics that do not); all below a level of the test's own.
MATCHES = [
    ("plus_is_one_level", "a/+/c", ["a/b/c", "a//c", "a/x y/c"], ["a/c", "a/b/x/c", "a/b/d"]),
    ("plus_at_the_end", "a/+", ["a/b", "a/"], ["a", "a/b/c"]),
    ("plus_alone_is_one_level", "+", ["a", "b"], ["a/b", "/a"]),
    ("plus_twice", "+/+", ["a/b", "/", "a/"], ["a", "a/b/c"]),
    ("hash_is_the_level_and_all_below", "a/#", ["a", "a/", "a/b", "a/b/c/d"], ["b", "ab", "A/b"]),
    ("hash_alone_is_everything", "#", ["a", "a/b", "/", "/a/b/"], []),
    ("plus_and_hash", "+/b/#", ["a/b", "a/b/c", "/b"], ["a", "b", "a/c"]),
    ("no_wildcard_is_the_same_name", "a/b", ["a/b"], ["a/b/", "/a/b", "a", "a/bb", "A/B"]),
    ("empty_levels_count", "a//b", ["a//b"], ["a/b", "a///b"]),
    ("leading_slash_counts", "/a", ["/a"], ["a", "//a"]),
    ("trailing_slash_counts", "a/", ["a/"], ["a", "a//"]),
    ("spaces_count", "a b/ c", ["a b/ c"], ["ab/c", "a b/c", "a  b/ c"]),
    ("letters_have_their_case", "ACCOUNTS", ["ACCOUNTS"], ["Accounts", "accounts"]),
    ("any_language", "температура/+/温度", ["температура/зал/温度"], ["температура/зал/湿度"]),
    ("no_normalising", "\u00c5ngstr\u00f6m", ["\u00c5ngstr\u00f6m"], ["A\u030angstr\u00f6m", "\u212bngstr\u00f6m"]),
    ("byte_order_mark_is_a_letter", "\ufeffa", ["\ufeffa"], ["a"]),
    ("dollar_below_the_first_level_is_a_letter", "+/$x/#", ["a/$x", "a/$x/b"], ["a/x"]),
    ("many_levels", DEEP, [DEEP], [DEEP + "/k"]),
    ("many_pluses", "/".join("+" * 20), ["/".join("x" * 20)], ["/".join("x" * 19), "/".join("x" * 21)]),
]


def matching(label, filter_, yes, no):
    def matches(case):
        receiver, sender = case.client("receiver"), case.client("sender")
        receiver.subscribe(case.topic(filter_))
        for topic in no + yes:
            sender.publish(case.topic(topic), b"x")
        for topic in yes:
            receiver.receive("x", topic=case.topic(topic))
        case.fence(receiver, sender, topic=f"end{case.number}")
    matches.__name__ = label
    matches.__doc__ = f"The filter {filter_!r} matches {', '.join(map(repr, yes))}" + (
        f", and not {', '.join(map(repr, no))}." if no else ".")
    return matches


for row in MATCHES:
    both("MQTT-4.7.1-2" if "#" in row[1] else "MQTT-4.7.1-3" if "+" in row[1] else "MQTT-4.7.3-4")(matching(*row))


@both("MQTT-4.7.2-1")
def hash_does_not_match_dollar_topics(case):
    """A filter that begins with # or + does not match topics that begin with $."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe("#")
    receiver.subscribe(f"+/case{case.number}/x")
    sender.publish(f"$dollar/case{case.number}/x", b"hidden")
    sender.publish(f"plain/case{case.number}/end", b"end")
    while True:
        message = receiver.take(mqtt.PUBLISH)
        check(not message.topic.startswith("$"), f"got {message.topic}")
        if message.topic == f"plain/case{case.number}/end":
            return


@both("MQTT-4.7.2-1")
def sys_topics_are_found_by_their_name(case):
    """A filter that begins with $SYS/ matches the broker's own topics."""
    client = case.client()
    client.subscribe("$SYS/#")
    check(client.receive().topic.startswith("$SYS/"), "another topic")


@both("MQTT-4.7.3-3")
def longest_topic_name_is_accepted_or_refused(case):
    """A topic name of 65,535 bytes is delivered, or refused as a whole."""
    receiver, sender = case.client("receiver"), case.client("sender")
    topic = case.topic("l" * (65535 - len(case.topic(""))))
    receiver.subscribe(case.topic("+"))
    try:
        sender.publish(topic, b"x", qos=1)
        receiver.receive("x", topic=topic)
    except Closed:
        case.fence(receiver)


@both("MQTT-1.5.4-1")
def topic_name_must_be_utf8(case):
    """A topic name that is not UTF-8 ends the connection."""
    for bad in (b"a\xffb", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
        client = case.client()
        client.send(mqtt.publish(case.version, bad, b"x"))
        client.expect_end(reasons=[0x81, 0x82, 0x90])


@both("MQTT-1.5.4-2", "MQTT-4.7.3-2")
def null_character_is_refused(case):
    """A topic name with U+0000 ends the connection."""
    client = case.client()
    client.send(mqtt.publish(case.version, "a\0b", b"x"))
    client.expect_end(reasons=[0x81, 0x82, 0x90])


@both("MQTT-1.5.4-1")
def topic_filter_must_be_utf8(case):
    """A topic filter that is not UTF-8, or has U+0000, ends the connection."""
    for bad in (b"a\xffb", b"a\x00b", b"\xed\xbf\xbf"):
        client = case.client()
        client.send(mqtt.subscribe(case.version, 1, [(bad, 0)]))
        client.expect_end(reasons=[0x81, 0x82, 0x8F])


@both("MQTT-1.5.4-1", "MQTT-3.1.3-4")
def client_id_must_be_utf8(case):
    """A client identifier that is not UTF-8 ends the connection."""
    client = case.dial(client_id=b"a\xff")
    client.send(mqtt.connect(case.version, b"a\xff"))
    client.expect_end()


@both("MQTT-1.5.4-1", "MQTT-3.1.3-12")
def user_name_must_be_utf8(case):
    """A user name that is not UTF-8 ends the connection."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id, username=b"a\xc3"))
    client.expect_end()


@both()
def topics_are_apart_at_any_depth(case):
    """A hundred subscriptions of growing depth get their own message each."""
    receiver, sender = case.client("receiver"), case.client("sender")
    topics = [case.topic("/".join(["d"] * (i + 1))) for i in range(100)]
    receiver.subscribe(*topics)
    for number, topic in enumerate(topics):
        sender.publish(topic, str(number).encode())
    equal([receiver.receive().payload for _ in topics], [str(i).encode() for i in range(100)], "payloads")
