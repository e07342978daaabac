# SPDX-License-Identifier: Apache-2.0
# What every client library has to get from the broker, over every transport that it knows. The sentences begin with the
# library's name.
import hashlib

from Support.suite import check
from Support.wait import equal

LARGE = bytes(range(256)) * 1200
SCENARIOS = []


def scenario(*versions):
    def mark(function):
        SCENARIOS.append((function, versions))
        return function
    return mark


def short(payload):
    return payload if len(payload) < 100 else (len(payload), hashlib.sha256(payload).hexdigest())


def arrives(client, topic, payload, qos, retain=False):
    got = client.message()
    equal((got.topic, short(got.payload), got.qos, bool(got.retain)), (topic, short(payload), qos, retain), "message")
    return got


@scenario(3, 4, 5)
def converses(party):
    """exchanges messages of every QoS both ways, empty, small and of 300 KB"""
    left, right = party.client("left"), party.client("right")
    for ears, mouth in ((left, right), (right, left)):
        ears.subscribe(party.topic(f"{ears.id}/+"), 2)
        for qos in range(3):
            for payload in (b"", b"small", LARGE):
                mouth.publish(party.topic(f"{ears.id}/{qos}"), payload, qos)
                arrives(ears, party.topic(f"{ears.id}/{qos}"), payload, qos)
    left.disconnect()
    right.disconnect()


@scenario(3, 4, 5)
def is_granted_what_it_asks(party):
    """gets messages at no more than the QoS of its subscription"""
    ears, mouth = party.client("ears"), party.client("mouth")
    for granted in range(3):
        ears.subscribe(party.topic(str(granted)), granted)
        for qos in range(3):
            mouth.publish(party.topic(str(granted)), b"m", qos)
            arrives(ears, party.topic(str(granted)), b"m", min(qos, granted))


@scenario(4, 5)
def retains(party):
    """leaves a retained message for who comes later, and takes it away"""
    mouth, live = party.client("mouth"), party.client("live")
    live.subscribe(party.topic(), 1)
    mouth.publish(party.topic(), b"kept", 1, True)
    arrives(live, party.topic(), b"kept", 1)
    late = party.client("late")
    late.subscribe(party.topic(), 1)
    arrives(late, party.topic(), b"kept", 1, True)
    mouth.publish(party.topic(), b"", 1, True)
    later = party.client("later")
    later.subscribe(party.topic(), 1)
    mouth.publish(party.topic(), b"live", 1)
    arrives(later, party.topic(), b"live", 1)


@scenario(4, 5)
def leaves_a_will(party):
    """has its will published when its socket dies, and not after a clean disconnect"""
    ears = party.client("ears")
    ears.subscribe(party.topic("#"), 1)
    said = [("why", "died"), ("why", "twice")]
    more = {"user_property": said, "content_type": "text/will", "will_delay_interval": 0} if party.version == 5 else {}
    for name in ("polite", "mortal"):
        client = party.client(name, will=(party.topic(name), b"gone", 1, True, more))
        client.disconnect() if name == "polite" else client.die()
    will = arrives(ears, party.topic("mortal"), b"gone", 1)
    if party.version == 5:
        equal((will.properties.get("user_property"), will.properties.get("content_type")), (said, "text/will"), "properties")


@scenario(4, 5)
def resumes_its_session(party):
    """gets in order what was published while it was away, until it starts clean"""
    away = {"clean": False, "expiry": 600}
    sleeper = party.client("sleeper", **away)
    check(not sleeper.session_present, "a session is present before there was one")
    sleeper.subscribe(party.topic("1"), 1)
    sleeper.subscribe(party.topic("2"), 2)
    sleeper.disconnect()
    mouth = party.client("mouth")
    expiry = {"message_expiry_interval": 300} if party.version == 5 else {}
    for number in range(20):
        qos = 1 + number % 2
        mouth.publish(party.topic(str(qos)), b"%d" % number, qos, **expiry)
    sleeper = party.client("sleeper", **away)
    check(sleeper.session_present, "the session was not resumed")
    found = [sleeper.message() for _ in range(20)]
    # There is an order among the messages of one QoS: one of QoS 2 is shown when it is released.
    for qos in (1, 2):
        equal([(m.topic, m.payload) for m in found if m.qos == qos],
              [(party.topic(str(qos)), b"%d" % number) for number in range(qos - 1, 20, 2)], f"messages of QoS {qos}")
    for message in found if expiry else ():
        left = message.properties.get("message_expiry_interval", 0)
        check(0 < left <= 300, f"message expiry interval of 300 s arrived as {left}")
    sleeper.disconnect()
    check(not party.client("sleeper").session_present, "the session outlived a clean start")


@scenario(4, 5)
def takes_over(party):
    """takes a session over from its double, who is told so with a reason code where there is one"""
    first = party.client("double", clean=False, expiry=600)
    first.subscribe(party.topic(), 1)
    second = party.client("double", clean=False, expiry=600)
    check(second.session_present, "the session was not taken over")
    equal(first.told(), 0x8E if party.version == 5 else None, "reason code of the server's DISCONNECT")
    party.client("mouth").publish(party.topic(), b"whose?", 1)
    arrives(second, party.topic(), b"whose?", 1)
    check(first.messages.empty(), "the message went to the first of the two")


@scenario(4, 5)
def hears_why_it_is_closed(party):
    """is closed for a packet above the server's maximum, and told the reason code where there is one"""
    client = party.client()
    client.send(party.topic(), bytes(1_100_000))
    equal(client.told(), 0x95 if party.version == 5 else None, "reason code of the server's DISCONNECT")


@scenario(4, 5)
def keeps_order(party):
    """gets 1,000 messages in the order in which they were published"""
    ears, mouth = party.client("ears"), party.client("mouth")
    ears.subscribe(party.topic("#"), 2)
    for qos, count in ((0, 1000), (1, 1000), (2, 200)):
        payloads = [b"%d %d" % (qos, number) for number in range(count)]
        mouth.publish_all(party.topic(str(qos)), payloads, qos)
        equal([ears.message().payload for _ in payloads], payloads, f"payloads of QoS {qos}")


@scenario(4, 5)
def shares(party):
    """gets its part of a shared subscription's messages"""
    members = [party.client(f"member{number}") for number in range(2)]
    for member in members:
        member.subscribe(f"$share/group/{party.topic()}", 1)
    payloads = [b"%d" % number for number in range(40)]
    party.client("mouth").publish_all(party.topic(), payloads, 1)
    # Behind the last message each member gets one of its own.
    end = party.client("end")
    for member in members:
        member.subscribe(party.topic(member.id), 1)
        end.publish(party.topic(member.id), b"end", 1)
    parts = [list(iter(lambda m=member: m.message().payload, b"end")) for member in members]
    equal(sorted(parts[0] + parts[1], key=int), payloads, "payloads of both")
    check(all(parts), f"one of the two got nothing: {parts!r}")


@scenario(5)
def passes_properties(party):
    """gets every property of a message as it was sent, and its subscription's identifier and options"""
    ears, mouth = party.client("ears"), party.client("mouth")
    ears.subscribe(party.topic("+"), 1, subscription_identifier=77, retain_as_published=True)
    sent = {"payload_format_indicator": 1, "content_type": "text/plain", "response_topic": "back/é",
            "correlation_data": bytes(range(256)), "message_expiry_interval": 4000,
            "user_property": [("a", "1"), ("a", "2"), ("", "é")]}
    mouth.publish(party.topic("a"), "é".encode(), 1, True, **sent)
    got = arrives(ears, party.topic("a"), "é".encode(), 1, True).properties
    check(3900 < got.get("message_expiry_interval", 0) <= 4000, f"message expiry interval: {got!r}")
    expected = dict(sent, message_expiry_interval=got["message_expiry_interval"], subscription_identifier=[77])
    equal({name: got.get(name) for name in expected}, expected, "properties")
    mouth.publish(party.topic("a"), b"", 1, True)
    arrives(ears, party.topic("a"), b"", 1, True)
    # Without the other's message nothing would tell "not yet" from "never".
    ears.subscribe(party.topic("own/#"), 1, no_local=True)
    ears.publish(party.topic("own/echo"), b"mine", 1)
    mouth.publish(party.topic("own/echo"), b"yours", 1)
    arrives(ears, party.topic("own/echo"), b"yours", 1)


@scenario(5)
def asks_and_answers(party):
    """gets the answer to its request at the response topic, with the correlation data of the request"""
    asker, answerer = party.client("asker"), party.client("answerer")
    asker.subscribe(party.topic("answers"), 1)
    answerer.subscribe(party.topic("requests"), 1)
    for number in range(3):
        asker.publish(party.topic("requests"), b"%d + 1?" % number, 1, response_topic=party.topic("answers"),
                      correlation_data=b"\x00request %d" % number)
        request = arrives(answerer, party.topic("requests"), b"%d + 1?" % number, 1)
        answerer.publish(request.properties["response_topic"], b"%d" % (number + 1), 1,
                         correlation_data=request.properties["correlation_data"])
        answer = arrives(asker, party.topic("answers"), b"%d" % (number + 1), 1)
        equal(answer.properties["correlation_data"], b"\x00request %d" % number, "correlation data")
