# SPDX-License-Identifier: Apache-2.0
# Shared and exclusive subscriptions as they are configured, over two event loops.
from Support import mqtt
from Support.broker import Isthmus, config
from Support.suite import behaviour, check
from Support.wait import equal, until


def broker(case, settings=""):
    one = Isthmus("shared", "")
    case.finally_(one.kill)
    one.write(config(one.port, extra=f"node.event_loops = 2\n{settings}\n"))
    one.start()
    return one


def members(one, count, filter_="$share/g/t/#", version=5, **options):
    """Several, so that both loops have some."""
    found = [one.client(f"m{i}", version, **options) for i in range(count)]
    for member in found:
        member.subscribe(filter_, qos=1)
    return found


def collect(clients, total):
    """What each client gets, until it is `total` all told."""
    seen = {client: [] for client in clients}

    def read():
        for client in clients:
            client.ping()
            for message in [p for p in client.inbox if p.type == mqtt.PUBLISH]:
                client.inbox.remove(message)
                seen[client].append((message.topic, message.payload))
                client.acknowledge(message)
        return sum(map(len, seen.values())) >= total
    until(read, f"{total} messages arrive")
    return list(seen.values())


def publish(one, name, count, topic="t/{0}"):
    client = one.client(name)
    for number in range(count):
        client.publish(topic.format(number), f"{name} {number}".encode(), qos=1)
    return client


@behaviour()
def round_robin_is_even(case):
    """By default the members get equal numbers of messages."""
    one = broker(case)
    group = members(one, 6)
    publish(one, "p", 60)
    equal([len(got) for got in collect(group, 60)], [10] * 6, "messages of each member")


@behaviour()
def members_take_turns_as_they_came(case):
    """Round robin goes through the members in the order of their subscriptions, whatever loops they are on."""
    one = broker(case)
    group = members(one, 6)
    publish(one, "p", 12)
    equal(
        [[payload for _, payload in got] for got in collect(group, 12)],
        [[f"p {turn}".encode(), f"p {turn + 6}".encode()] for turn in range(6)], "messages of each member")


@behaviour()
def a_hash_of_the_publisher_keeps_its_messages_together(case):
    """With hash_clientid all messages of a publisher go to one member, and not all publishers' to the same."""
    one = broker(case, "mqtt.shared_subscription_strategy = hash_clientid")
    group = members(one, 4)
    for number in range(12):
        publish(one, f"p{number}", 5)
    served = [{payload.split()[0] for _, payload in got} for got in collect(group, 60)]
    equal(sum(map(len, served)), 12, "publishers, each counted with every member that served it")
    check(sum(map(bool, served)) > 1, "one member got everything")


@behaviour()
def a_hash_of_the_topic_keeps_its_messages_together(case):
    """With hash_topic all messages of a topic go to one member, whoever publishes them."""
    one = broker(case, "mqtt.shared_subscription_strategy = hash_topic")
    group = members(one, 4)
    for number in range(4):
        publish(one, f"p{number}", 16)
    served = [{topic for topic, _ in got} for got in collect(group, 64)]
    equal(sum(map(len, served)), 16, "topics, each counted with every member that got it")


@behaviour()
def a_group_may_have_its_own_strategy(case):
    """broker.shared_subscription_group.NAME.strategy is for that group alone: sticky here, in turn there."""
    one = broker(case, "broker.shared_subscription_group.g { strategy = sticky, initial_sticky_pick = random }")
    sticky = members(one, 4)
    plain = [one.client(f"h{i}") for i in range(4)]
    for member in plain:
        member.subscribe("$share/h/t/#", qos=1)
    publisher = publish(one, "p", 20)
    found = [len(got) for got in collect(sticky, 20)]
    equal(sorted(found), [0, 0, 0, 20], "messages of the sticky group's members")
    equal([len(got) for got in collect(plain, 20)], [5] * 4, "messages of the other group's members")
    sticky.pop(found.index(20)).disconnect()
    for number in range(10):
        publisher.publish("t/x", b"more", qos=1)
    equal(sorted(len(got) for got in collect(sticky, 10)), [0, 0, 10], "messages once that member has left")


@behaviour()
def connected_members_come_first(case):
    """While a member is connected, nothing waits for one that is not."""
    one = broker(case)
    for away in members(one, 3, props={"session_expiry": 60}):
        away.disconnect()
    here = one.client("here")
    here.subscribe("$share/g/t/#", qos=1)
    publish(one, "p", 20)
    collect([here], 20)


@behaviour()
def an_unsubscribing_member_leaves_its_queue(case):
    """What a member that unsubscribes was not sent yet goes to the others; what it was sent it may acknowledge."""
    one = broker(case)
    slow = one.client("slow", props={"receive_maximum": 2})
    slow.subscribe("$share/g/t/#", qos=1)
    publish(one, "p", 10, "t")
    other = one.client("other")
    other.subscribe("$share/g/t/#", qos=1)
    slow.unsubscribe("$share/g/t/#")
    equal([payload for _, payload in collect([other], 8)[0]], [f"p {n}".encode() for n in range(2, 10)], "the queue")
    equal([payload for _, payload in collect([slow], 2)[0]], [b"p 0", b"p 1"], "what was under way")


@behaviour()
def queue_is_a_shared_subscription(case):
    """$queue/FILTER is shared by all who subscribe to it, in MQTT 3.1.1 and 5."""
    one = broker(case)
    group = members(one, 2, "$queue/t/#", 4) + [one.client("five")]
    group[2].subscribe("$queue/t/#", qos=1)
    publish(one, "p", 30)
    equal([len(got) for got in collect(group, 30)], [10] * 3, "messages of each member")


@behaviour()
def an_exclusive_filter_has_one_subscriber(case):
    """$exclusive/FILTER is refused with 0x97 (MQTT 3: 0x80) while another client has it, on whichever event loop."""
    one = broker(case, "mqtt.exclusive_subscription = true")
    owner = one.client("owner")
    equal(owner.subscribe("$exclusive/t", qos=1).reasons, [1], "SUBACK reason codes")
    for number in range(4):
        for version, code in ((5, 0x97), (4, 0x80)):
            other = one.client(f"c{number}-{version}", version)
            equal(other.subscribe("$exclusive/t", granted=False).reasons, [code], "SUBACK reason codes")
    publish(one, "p", 1, "t")
    owner.receive("p 0", topic="t")
    owner.disconnect()

    def is_free():
        return one.client("next").subscribe("$exclusive/t", granted=False).reasons == [0]
    until(is_free, "the filter is free once its owner's session ended")


@behaviour()
def exclusive_filters_are_off_by_default(case):
    """Without mqtt.exclusive_subscription the SUBACK for $exclusive/… says 0x8F."""
    one = broker(case)
    equal(one.client("c").subscribe("$exclusive/t", granted=False).reasons, [0x8F], "SUBACK reason codes")
