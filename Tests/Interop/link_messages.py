# SPDX-License-Identifier: Apache-2.0
# Two linked brokers at peace: what crosses, once, in order, with what properties, and what does not cross.
from Support import mqtt
from Support.links import Watch, cross, drained, listener, mesh, pair, say
from Support.suite import behaviour, check
from Support.wait import equal, until


def once(ears, expected, source, target):
    """Exactly these payloads came, and nothing more is under way."""
    got = []

    def complete():
        got.extend(drained(ears))
        return len(got) >= len(expected)
    until(complete, f"{len(expected)} messages arrive; there came {len(got)}")
    cross(source, target)
    got.extend(drained(ears))
    equal(got, expected, "messages")


@behaviour()
def both_directions_exactly_once(case):
    """A message published at either cluster reaches the subscriber at the other exactly once."""
    left, right = pair(case)
    for source, target, link in ((left, right, "right"), (right, left, "left")):
        ears = listener(target, "t/#")
        cross(source, target)
        mouth = source.client("mouth")
        for number in range(10):
            mouth.publish(f"t/{number}", str(number).encode(), qos=1)
        once(ears, [str(i).encode() for i in range(10)], source, target)


@behaviour()
def several_subscribers_one_copy_over_the_link(case):
    """Many subscribers of overlapping filters at one cluster cost one copy on the link."""
    left, right = pair(case)
    ears = [listener(right, f, name=f"e{i}") for i, f in enumerate(("t/#", "t/+", "t/x", "+/x"))]
    cross(left, right)
    with left.watch("right") as seen:
        before = int(seen.until(sent=lambda n: True)["sent"])
        for one in range(5):
            say(left, "t/x", str(one).encode())
        for ear in ears:
            once(ear, [str(i).encode() for i in range(5)], left, right)
        crossed = int(seen.until(sent=lambda n: n >= before + 5)["sent"]) - before
    # once() sends fences over the link, one or more for each of the four subscribers.
    check(5 <= crossed < 5 * len(ears), f"{crossed} copies crossed")


@behaviour()
def every_qos_is_kept(case):
    """QoS 0, 1 and 2 keep their level over the link."""
    left, right = pair(case)
    ears = listener(right, "q/+", qos=2)
    cross(left, right)
    for qos in range(3):
        say(left, f"q/{qos}", b"x", qos=qos)
        message = ears.receive("x", topic=f"q/{qos}", qos=qos)
        check(not message.dup, "DUP is set")


@behaviour()
def properties_cross(case):
    """The MQTT 5 properties of a message cross the link, user properties in their order."""
    left, right = pair(case)
    ears = listener(right, "t")
    cross(left, right)
    given = {"payload_format": 1, "content_type": "text/plain", "response_topic": "r", "correlation_data": b"\0\xff",
             "user_property": [("b", "1"), ("a", "2"), ("b", "1")]}
    say(left, "t", b"x", props=given)
    equal(ears.receive("x").properties, given, "properties")


@behaviour()
def expiry_crosses(case):
    """The Message Expiry Interval crosses the link and goes on counting."""
    left, right = pair(case)
    ears = listener(right, "t")
    cross(left, right)
    say(left, "t", b"x", props={"message_expiry": 400})
    left_over = ears.receive("x").properties.get("message_expiry", 0)
    check(380 < left_over <= 400, f"Message Expiry Interval {left_over}")


@behaviour()
def big_payload_crosses(case):
    """A payload of 700 KB crosses unchanged, both of zeros and of noise."""
    left, right = pair(case)
    ears = listener(right, "big")
    cross(left, right)
    for payload in (bytes(700_000), b"".join(bytes([i * 131 % 251]) for i in range(7000)) * 100):
        say(left, "big", payload)
        equal(ears.receive().payload == payload, True, "the payload is the same")


@behaviour()
def any_bytes_and_empty_payloads_cross(case):
    """Payloads of all byte values, and empty ones, cross unchanged."""
    left, right = pair(case)
    ears = listener(right, "p/#")
    cross(left, right)
    for payload in (bytes(range(256)), b"", "жизнь".encode()):
        say(left, "p/ünï/x y", payload)
        ears.receive(payload, topic="p/ünï/x y")


@behaviour()
def order_is_kept(case):
    """Ten publishers with fifty messages each keep their order over the link."""
    left, right = pair(case)
    ears = listener(right, "order/#")
    cross(left, right)
    publishers = [left.client(f"p{i}") for i in range(10)]
    for number in range(50):
        for which, client in enumerate(publishers):
            client.send(mqtt.publish(5, f"order/{which}", b"%d" % number, 1, pid=number + 1))
    seen = {}
    for _ in range(500):
        message = ears.take(mqtt.PUBLISH)
        seen.setdefault(message.topic, []).append(int(message.payload))
        ears.acknowledge(message)
    for topic, numbers in seen.items():
        equal(numbers, list(range(50)), f"the order of {topic}")


@behaviour()
def many_messages_lose_nothing(case):
    """Five thousand QoS 1 messages cross without a loss or a copy too many."""
    left, right = pair(case)
    ears = listener(right, "load")
    cross(left, right)
    mouth = left.client("mouth")
    got = []
    for start in range(0, 5000, 100):
        mouth.send(b"".join(mqtt.publish(5, "load", b"%d" % n, 1, pid=n % 1000 + 1) for n in range(start, start + 100)))
        for number in range(start, start + 100):
            mouth.take(mqtt.PUBACK, pid=number % 1000 + 1)
        got.extend(drained(ears))
    until(lambda: got.extend(drained(ears)) or len(got) >= 5000, "five thousand messages arrive", 60)
    cross(left, right)
    got.extend(drained(ears))
    equal([int(p) for p in got], list(range(5000)), "messages")


@behaviour()
def will_crosses(case):
    """The will of a client that is lost at one cluster reaches the other."""
    left, right = pair(case)
    ears = listener(right, "will")
    cross(left, right)
    left.client("mortal", will={"topic": "will", "payload": b"gone", "qos": 1}).close()
    ears.receive("gone")


@behaviour()
def retained_crosses_live_and_is_not_stored(case):
    """A retained message crosses as a live one, and is stored only where it was published."""
    left, right = pair(case)
    ears = listener(right, "r")
    cross(left, right)
    say(left, "r", b"kept", retain=True)
    ears.receive("kept", retain=False)
    late = listener(right, "r", name="late")
    cross(left, right)
    equal(drained(late), [], "retained messages at the other cluster")
    listener(left, "r", name="home").receive("kept", retain=True)


@behaviour()
def subscriber_of_mqtt_3_1_1(case):
    """An MQTT 3.1.1 publisher and subscriber exchange messages over the link."""
    left, right = pair(case)
    ears = listener(right, "old/#", version=4)
    cross(left, right)
    mouth = left.client("mouth", 4)
    mouth.publish("old/x", b"classic", qos=1)
    ears.receive("classic", topic="old/x")


@behaviour()
def shared_subscription_gets_one_copy_a_cluster(case):
    """A group with members at both clusters gets one copy at each; two members at one cluster share it."""
    left, right = pair(case)
    at_right = [listener(right, "$share/g/job", name=f"r{i}") for i in range(2)]
    at_left = listener(left, "$share/g/job", name="l")
    cross(left, right)
    for number in range(10):
        say(left, "job", b"%d" % number)
    got = []
    until(lambda: [got.extend(drained(c)) for c in at_right] and len(got) >= 10, "ten messages arrive at the right")
    cross(left, right)
    for client in at_right:
        got.extend(drained(client))
    equal(sorted(map(int, got)), list(range(10)), "messages of the group at the right")
    equal(sorted(map(int, drained(at_left))), list(range(10)), "messages of the group at the left")


@behaviour()
def sys_and_link_topics_stay_at_home(case):
    """$SYS is not forwarded to a link whose topics are #."""
    left, right = pair(case)
    ears = listener(right, "#")
    own = listener(right, "$SYS/brokers/node-left/#", name="sys")
    cross(left, right)
    with left.watch("right") as seen:
        seen.next_round()
    cross(left, right)
    check(all(not m.topic.startswith("$") for m in ears.inbox if m.type == mqtt.PUBLISH), "a $ topic crossed")
    equal(drained(own), [], "$SYS messages of the other broker")


@behaviour()
def mesh_of_three_without_duplicates(case):
    """In a full mesh of three, each message reaches each of the others exactly once."""
    clusters = mesh(case, 3)
    ears = [listener(one, "m/#") for one in clusters]
    for source in clusters:
        for target in clusters:
            if source is not target:
                cross(source, target)
    for number, one in enumerate(clusters):
        say(one, f"m/{number}", b"from %d" % number)
    for index, client in enumerate(ears):
        got = []
        until(lambda c=client, g=got: g.extend(drained(c)) or len(g) >= 3, "three messages arrive")
        for source in clusters:
            if source is not clusters[index]:
                cross(source, clusters[index])
        got.extend(drained(client))
        equal(sorted(got), [b"from 0", b"from 1", b"from 2"], f"messages at c{index}")


@behaviour()
def chain_does_not_relay(case):
    """In a chain of three, what the first publishes reaches the second and not the third."""
    first, middle, last = mesh(case, 3, connected=lambda a, b: abs(a - b) == 1)
    ears = listener(middle, "c/#"), listener(last, "c/#")
    cross(first, middle)
    cross(middle, last)
    say(first, "c/x", b"from the first")
    ears[0].receive("from the first")
    say(middle, "c/x", b"from the middle")
    ears[1].receive("from the middle")
    cross(middle, last)
    equal(drained(ears[1]), [], "messages relayed")


@behaviour()
def figures_count_what_happens(case):
    """The figures below $SYS count routes, what was sent and what was received."""
    left, right = pair(case)
    ears = listener(left, "f/#")
    cross(right, left)
    with Watch(right, "left") as sender, Watch(left, "right") as receiver:
        sender.until(routes_in=lambda n: n >= 1, state="online")
        receiver.until(routes_out=lambda n: n >= 1)
        sent = int(sender.next_round()["sent"])
        received = int(receiver.next_round()["received"])
        for number in range(7):
            say(right, "f/x", b"%d" % number)
            ears.receive(b"%d" % number)
        sender.until(sent=sent + 7, queued=0)
        receiver.until(received=received + 7)
