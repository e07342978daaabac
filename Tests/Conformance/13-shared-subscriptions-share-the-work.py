# SPDX-License-Identifier: Apache-2.0
# Shared subscriptions: $share/GROUP/FILTER.
from Support import mqtt
from Support.suite import check, v5
from Support.wait import equal, until


def members(case, count, group="g", filter_="t", qos=0):
    found = [case.client(f"{group}{i}") for i in range(count)]
    for one in found:
        one.subscribe(f"$share/{group}/{case.topic(filter_)}", qos=qos)
    return found


def drain(clients, total, patience=20):
    """The payloads that the clients get, `total` of them all told."""
    seen = {c: [] for c in clients}

    def read():
        for client in clients:
            client.ping()
            for message in [p for p in client.inbox if p.type == mqtt.PUBLISH]:
                client.inbox.remove(message)
                seen[client].append(message.payload)
                client.acknowledge(message)
        return sum(map(len, seen.values())) >= total
    until(read, f"{total} messages arrive", patience)
    return list(seen.values())


@v5("MQTT-4.8.2-4")
def each_message_goes_to_one_member(case):
    """Of the members of a group exactly one gets each message, and all messages arrive."""
    group, sender = members(case, 3), case.client("sender")
    for number in range(60):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    seen = drain(group, 60)
    equal(sorted(int(p) for part in seen for p in part), list(range(60)), "payloads")
    check(all(seen), f"a member got nothing: {[len(s) for s in seen]}")


@v5("MQTT-4.8.2-4")
def two_groups_get_a_copy_each(case):
    """Two groups with the same filter get a copy each."""
    groups = members(case, 1, "g") + members(case, 1, "h")
    case.client("sender").publish(case.topic(), b"both")
    for one in groups:
        one.receive("both")


@v5("MQTT-4.8.2-4")
def plain_subscribers_get_theirs(case):
    """A plain subscriber gets every message, beside the group."""
    group, plain, sender = members(case, 2), case.client("plain"), case.client("sender")
    plain.subscribe(case.topic())
    for number in range(10):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    for number in range(10):
        plain.receive(str(number))
    equal(sum(map(len, drain(group, 10))), 10, "messages to the group")


@v5("MQTT-4.8.2-3")
def shared_qos_is_the_lower_one(case):
    """A shared delivery comes at the lower of the published and the subscribed QoS."""
    member, = members(case, 1, qos=1)
    sender = case.client("sender")
    for qos, expected in ((0, 0), (1, 1), (2, 1)):
        sender.publish(case.topic(), b"x", qos=qos)
        member.receive("x", qos=expected)


@v5("MQTT-3.8.4-4")
def no_retained_messages_to_a_group(case):
    """A shared subscription brings no retained messages."""
    sender = case.client("sender")
    sender.publish(case.topic(), b"kept", qos=1, retain=True)
    member, = members(case, 1)
    case.fence(member, sender)


@v5()
def member_that_leaves_gets_nothing_more(case):
    """After an UNSUBSCRIBE of a member the others get all messages."""
    (stays, leaves), sender = members(case, 2), case.client("sender")
    equal(leaves.unsubscribe(f"$share/g/{case.topic()}").reasons, [0], "UNSUBACK reason codes")
    for number in range(10):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    for number in range(10):
        stays.receive(str(number))
    case.fence(leaves, sender)


@v5()
def member_that_disconnects_gets_nothing_more(case):
    """After the end of a member's session the others get all messages."""
    (stays, leaves), sender = members(case, 2), case.client("sender")
    leaves.disconnect()
    for number in range(10):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    for number in range(10):
        stays.receive(str(number))


@v5("MQTT-4.8.2-5")
def qos_2_is_not_given_to_a_second_member(case):
    """A QoS 2 message that was under way to a member whose session ended goes to nobody else."""
    (first, second), sender = members(case, 2, qos=2), case.client("sender")
    sender.publish(case.topic(), b"x", qos=2)

    def has_it():
        first.ping()
        second.ping()
        return [one for one in (first, second) if one.inbox]
    chosen = until(has_it, "a member has the message")[0]
    other = second if chosen is first else first
    chosen.inbox.clear()
    chosen.disconnect()
    case.fence(other, sender)


@v5("MQTT-4.8.2-6")
def refused_message_is_not_given_to_a_second_member(case):
    """A message that a member refuses with a reason code of 0x80 or more goes to nobody else."""
    (first, second), sender = members(case, 2, qos=1), case.client("sender")
    sender.publish(case.topic(), b"x", qos=1)

    def has_it():
        first.ping()
        second.ping()
        return [one for one in (first, second) if one.inbox]
    chosen = until(has_it, "a member has the message")[0]
    chosen.send(mqtt.ack(5, mqtt.PUBACK, chosen.inbox.pop().pid, 0x80))
    chosen.ping()
    case.fence(second if chosen is first else first, sender)
    case.fence(chosen, sender)


@v5("MQTT-3.8.3-4")
def no_local_on_a_shared_subscription_is_a_protocol_error(case):
    """No Local on a shared subscription is a protocol error."""
    client = case.client()
    client.send(mqtt.subscribe(5, 1, [(f"$share/g/{case.topic()}", 0x04)]))
    client.expect_end(reasons=[0x82])


def refused_share(label, filter_):
    def is_refused(case):
        client = case.client()
        client.send(mqtt.subscribe(5, 1, [(filter_, 0)]))
        answer = client.next()
        code = answer.reasons[0] if answer.type == mqtt.SUBACK else answer.reason
        check(code in (0x8F, 0x81, 0x82, 0x9E), f"{answer!r}")
    is_refused.__name__ = "invalid_share_" + label
    is_refused.__doc__ = f"A SUBSCRIBE to {filter_!r} is refused."
    v5("MQTT-4.8.2-1", "MQTT-4.8.2-2")(is_refused)


for name, invalid in {"no_filter": "$share/g", "empty_filter": "$share/g/", "empty_group": "$share//t",
                      "plus_in_group": "$share/g+/t", "hash_in_group": "$share/#/t"}.items():
    refused_share(name, invalid)


@v5()
def shared_subscription_takes_wildcards(case):
    """A shared subscription may have wildcards."""
    member, = members(case, 1, filter_="+/x/#")
    case.client("sender").publish(case.topic("a/x/y"), b"wild")
    member.receive("wild", topic=case.topic("a/x/y"))


@v5()
def share_and_plain_of_one_client(case):
    """A client with the shared and the plain subscription gets both."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic())
    client.subscribe(f"$share/g/{case.topic()}")
    sender.publish(case.topic(), b"x")
    client.receive("x")
    client.receive("x")


@v5()
def subscription_identifier_of_a_shared_subscription(case):
    """A message to a member carries the identifier of the shared subscription."""
    member = case.client()
    member.subscribe(f"$share/g/{case.topic()}", props={"subscription_id": 12})
    case.client("sender").publish(case.topic(), b"x")
    equal(member.receive("x").properties, {"subscription_id": [12]}, "properties")
