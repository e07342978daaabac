# SPDX-License-Identifier: Apache-2.0
# Only what somebody wants crosses a link: routes follow subscriptions, and `topics` limit them.
from Support.links import cross, drained, listener, pair, say
from Support.suite import behaviour, check
from Support.wait import equal


def sent_by(cluster, link_name):
    with cluster.watch(link_name) as seen:
        return int(seen.next_round()["sent"])


@behaviour()
def nothing_crosses_without_a_subscriber(case):
    """Messages that nobody at the other cluster wants do not cross."""
    left, right = pair(case)
    before = sent_by(left, "right")
    for number in range(20):
        say(left, f"nobody/{number}", b"x")
    equal(sent_by(left, "right"), before, "messages sent over the link")


@behaviour()
def unsubscribing_stops_the_traffic(case):
    """When the last subscriber has unsubscribed, nothing more crosses."""
    left, right = pair(case)
    with left.watch("right") as seen:
        routes = int(seen.until(routes_in=lambda n: True)["routes_in"])
        ears = listener(right, "u/#")
        seen.until(routes_in=routes + 1)
        say(left, "u/1", b"wanted")
        ears.receive("wanted")
        ears.unsubscribe("u/#")
        seen.until(routes_in=routes)
    before = sent_by(left, "right")
    for number in range(20):
        say(left, "u/2", b"%d" % number)
    equal(sent_by(left, "right"), before, "messages sent over the link")
    equal(drained(ears), [], "messages")


@behaviour()
def route_stays_for_the_second_subscriber(case):
    """The route of a filter goes with its last subscriber, not with its first."""
    left, right = pair(case)
    first, second = listener(right, "s/#", name="first"), listener(right, "s/#", name="second")
    cross(left, right)
    first.unsubscribe("s/#")
    cross(left, right)
    say(left, "s/x", b"still")
    second.receive("still")


@behaviour()
def subscriber_that_is_lost_takes_its_route_along(case):
    """The end of a subscriber's session removes its routes."""
    left, right = pair(case)
    with left.watch("right") as seen:
        routes = int(seen.until(routes_in=lambda n: True)["routes_in"])
        ears = listener(right, "l/#")
        seen.until(routes_in=routes + 1)
        ears.close()
        seen.until(routes_in=routes)


@behaviour()
def subscriptions_from_before_the_link(case):
    """Subscriptions that were made before the link was up are announced when it comes up."""
    left, right = pair(case, online=False)
    ears = [listener(right, f"early/{i}", name=f"e{i}") for i in range(50)]
    left.wait_online("right")
    right.wait_online("left")
    cross(left, right)
    for number, client in enumerate(ears):
        say(left, f"early/{number}", b"%d" % number)
        client.receive(b"%d" % number)


@behaviour()
def ten_thousand_routes(case):
    """Ten thousand subscriptions are announced, also those that no single packet could hold."""
    left, right = pair(case)
    client = right.client("many")
    for start in range(0, 10_000, 200):
        client.subscribe(*[f"many/{'x' * 100}/{i}" for i in range(start, start + 200)], qos=1)
    left.received_routes("right", lambda n: n >= 10_000)
    for number in (0, 4999, 9999):
        say(left, f"many/{'x' * 100}/{number}", b"%d" % number)
        client.receive(b"%d" % number)


@behaviour()
def topics_limit_what_is_asked_for(case):
    """A cluster asks for what its link's topics and its subscriptions have in common."""
    left, right = pair(case, right_topics=["shared/#", "t/+/1"])
    ears, mouth = listener(right, "#"), left.client("mouth")
    left.received_routes("right", 2)
    cross_topic = "shared/fence"
    for topic in ("private/x", "t/a/2", "t/a/1", "shared/x", cross_topic):
        mouth.publish(topic, topic.encode(), qos=1)
    got = []
    while cross_topic.encode() not in got:
        got.append(ears.receive().payload)
    equal(got, [b"t/a/1", b"shared/x", cross_topic.encode()], "messages")


@behaviour()
def no_topics_mean_one_way(case):
    """With topics = [] at one cluster nothing from the other arrives there, and the other way works."""
    left, right = pair(case, left_topics=[], right_topics=["#"])
    at_left, at_right = listener(left, "#"), listener(right, "to-right")
    cross(left, right)
    # One publisher: of several ones the order is not kept.
    mouth = left.client("mouth")
    for number in range(10):
        say(right, "w", b"to the left")
        mouth.publish("to-right", b"%d" % number, qos=1)
    for number in range(10):
        at_right.receive(b"%d" % number)
    cross(left, right)
    check(b"to the left" not in drained(at_left), "a message arrived where topics = []")
    with right.watch("left") as seen:
        equal(seen.until(routes_in=lambda n: True)["routes_in"], "0", "routes of the cluster with topics = []")
        equal(seen.next_round()["sent"], "0", "messages sent to it")


@behaviour()
def no_topics_on_both_sides(case):
    """Two clusters with topics = [] are linked and exchange nothing."""
    left, right = pair(case, left_topics=[], right_topics=[])
    ears = listener(right, "#")
    for _ in range(5):
        say(left, "n/x", b"x")
    equal(sent_by(left, "right"), 0, "messages sent")
    equal(drained(ears), [], "messages")


@behaviour()
def persistent_session_keeps_its_route(case):
    """An absent client with a session gets what was published at the other cluster meanwhile."""
    left, right = pair(case)
    ears = right.client("sleeper", clean=False, props={"session_expiry": 600})
    ears.subscribe("p/#", qos=1)
    cross(left, right)
    ears.disconnect()
    # One publisher: of several ones the order is not kept.
    mouth = left.client("mouth")
    for number in range(5):
        mouth.publish("p/x", b"%d" % number, qos=1)
    cross(left, right)
    again = right.client("sleeper", clean=False, props={"session_expiry": 600})
    for number in range(5):
        again.receive(b"%d" % number)
