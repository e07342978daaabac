# SPDX-License-Identifier: Apache-2.0
# Sessions: when they are kept, what is in them, and when they end.
from Support import mqtt
from Support.suite import both, check, v4, v5
from Support.wait import equal, until


def keeping(case, name="c", expiry=300, clean=False, **options):
    return case.client(name, clean=clean, props={"session_expiry": expiry} if case.version == 5 else None, **options)


@both("MQTT-3.1.2-4", "MQTT-3.2.2-2")
def clean_start_has_no_session(case):
    """A clean start is answered with Session Present 0, whatever there was before."""
    keeping(case).disconnect()
    equal(case.client().connack.session_present, False, "Session Present")


@both("MQTT-3.1.2-6")
def first_connection_has_no_session(case):
    """Without a stored session the CONNACK says Session Present 0."""
    equal(keeping(case).connack.session_present, False, "Session Present")


@both("MQTT-3.1.2-5", "MQTT-3.2.2-3")
def kept_session_is_present(case):
    """A kept session is told by Session Present 1, after DISCONNECT and after a lost connection."""
    keeping(case).disconnect()
    again = keeping(case)
    equal(again.connack.session_present, True, "Session Present after DISCONNECT")
    again.close()
    equal(keeping(case).connack.session_present, True, "Session Present after a lost connection")


@both("MQTT-3.1.2-5")
def subscriptions_are_kept(case):
    """The subscriptions of a kept session need not be made again."""
    client = keeping(case)
    client.subscribe(case.topic("a/#"), qos=1)
    client.disconnect()
    client = keeping(case)
    case.client("sender").publish(case.topic("a/b"), b"still", qos=1)
    client.receive("still", qos=1)


@both("MQTT-3.1.2-4")
def clean_start_forgets_subscriptions(case):
    """A clean start forgets the subscriptions of the session before."""
    client = keeping(case)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    client, sender = case.client(), case.client("sender")
    sender.publish(case.topic(), b"old", qos=1)
    case.fence(client, sender)


@both("MQTT-4.5.0-1")
def messages_are_kept_for_an_absent_client(case):
    """QoS 1 and 2 messages for an absent client wait for it, in their order."""
    client = keeping(case)
    client.subscribe(case.topic(), qos=2)
    client.disconnect()
    sender = case.client("sender")
    for number in range(20):
        sender.publish(case.topic(), str(number).encode(), qos=1 + number % 2)
    client = keeping(case)
    for number in range(20):
        message = client.take(mqtt.PUBLISH)
        equal((message.payload, message.qos, message.dup), (str(number).encode(), 1 + number % 2, False), "delivery")
        client.acknowledge(message)
    case.fence(client, sender)


@both("MQTT-4.5.0-1")
def retained_flag_is_not_set_on_waiting_messages(case):
    """A message that waited for an absent client comes without RETAIN, even if it was published with it."""
    client = keeping(case)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    case.client("sender").publish(case.topic(), b"r", qos=1, retain=True)
    keeping(case).receive("r", retain=False)


@both()
def delivered_messages_are_not_kept(case):
    """What was acknowledged does not wait for the next connection."""
    client, sender = keeping(case), case.client("sender")
    client.subscribe(case.topic(), qos=1)
    sender.publish(case.topic(), b"seen", qos=1)
    client.receive("seen")
    client.disconnect()
    case.fence(keeping(case), sender)


@both("MQTT-3.10.4-2")
def unsubscribed_filter_stays_away(case):
    """A filter that was unsubscribed does not come back with the session."""
    client, sender = keeping(case), case.client("sender")
    client.subscribe(case.topic(), qos=1)
    client.unsubscribe(case.topic())
    client.disconnect()
    sender.publish(case.topic(), b"no", qos=1)
    case.fence(keeping(case), sender)


@v4("MQTT-3.1.2-6")
def clean_session_ends_with_its_connection(case):
    """In 3.1.1 a session with CleanSession 1 ends with its connection."""
    client = case.client(clean=True)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    equal(keeping(case).connack.session_present, False, "Session Present")


@v5("MQTT-3.1.2-23")
def session_without_expiry_ends_with_its_connection(case):
    """Without a Session Expiry Interval the session ends with the connection."""
    client = case.client(clean=False)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    equal(keeping(case).connack.session_present, False, "Session Present")


@v5("MQTT-3.1.2-23")
def clean_start_begins_a_session_that_is_kept(case):
    """Clean Start 1 with a Session Expiry Interval begins a session that is kept."""
    client = keeping(case, clean=True)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    case.client("sender").publish(case.topic(), b"waiting", qos=1)
    client = keeping(case)
    equal(client.connack.session_present, True, "Session Present")
    client.receive("waiting")


@v5("MQTT-3.1.2-23")
def session_ends_after_its_expiry(case):
    """A session is gone when its Session Expiry Interval has passed, and not before."""
    keeping(case, expiry=2).disconnect()
    keeping(case, "other", expiry=300).disconnect()
    client = keeping(case, expiry=2)
    equal(client.connack.session_present, True, "Session Present at once")
    client.disconnect()

    def is_gone():
        # Asking resumes the session, so each question is asked of a session that nobody has touched, and later.
        asked = len(case.clients)
        keeping(case, f"s{asked}", expiry=1).disconnect()
        case.context.pause(1.2 + 0.1 * asked)
        return not keeping(case, f"s{asked}", expiry=1).connack.session_present
    until(is_gone, "the session ends")
    equal(keeping(case, "other").connack.session_present, True, "Session Present of the longer one")


@v5("MQTT-3.14.2-2")
def disconnect_can_shorten_the_expiry(case):
    """A Session Expiry Interval of 0 in DISCONNECT ends the session."""
    client = keeping(case)
    client.disconnect(props={"session_expiry": 0})
    equal(keeping(case).connack.session_present, False, "Session Present")


@v5("MQTT-3.14.2-2")
def disconnect_can_lengthen_the_expiry(case):
    """A longer Session Expiry Interval in DISCONNECT is taken over."""
    keeping(case, expiry=1).disconnect(props={"session_expiry": 500})
    equal(keeping(case).connack.session_present, True, "Session Present")


@v5("MQTT-3.14.2-2")
def expiry_after_none_is_a_protocol_error(case):
    """A Session Expiry Interval in DISCONNECT after none in CONNECT is a protocol error."""
    client = case.client()
    client.send(mqtt.disconnect(5, 0, {"session_expiry": 10}))
    client.expect_end(reasons=[0x82])


@v5("MQTT-3.1.2-23")
def greatest_expiry_never_ends(case):
    """A Session Expiry Interval of 0xFFFFFFFF is accepted."""
    keeping(case, expiry=0xFFFFFFFF).disconnect()
    client = keeping(case, expiry=0xFFFFFFFF)
    equal(client.connack.session_present, True, "Session Present")
    client.disconnect(props={"session_expiry": 0})


@v5("MQTT-3.3.2-5")
def waiting_messages_expire(case):
    """A message that waited longer than its expiry interval is not delivered."""
    client = keeping(case)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    sender = case.client("sender")
    sender.publish(case.topic(), b"short", qos=1, props={"message_expiry": 1})
    sender.publish(case.topic(), b"long", qos=1, props={"message_expiry": 1000})
    clock = case.client("clock", will={"topic": case.topic("clock"), "payload": b"", "props": {"will_delay": 2}},
                        props={"session_expiry": 60})
    watcher = case.client("watcher")
    watcher.subscribe(case.topic("clock"))
    clock.close()
    watcher.receive(b"")
    left = keeping(case).receive("long").properties.get("message_expiry", 0)
    check(900 < left < 1000, f"Message Expiry Interval of the one that came: {left}")


@v5()
def session_passes_between_versions(case):
    """A session that was begun with 5.0 goes on with 3.1.1."""
    client = keeping(case)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    case.client("sender").publish(case.topic(), b"over", qos=1)
    older = case.client("c", version=4, clean=False)
    equal(older.connack.session_present, True, "Session Present")
    older.receive("over")


@both("MQTT-3.1.4-3")
def take_over_again_and_again(case):
    """Twenty take-overs one after the other leave one connection and one session."""
    clients = [keeping(case)]
    clients[0].subscribe(case.topic(), qos=1)
    for _ in range(20):
        clients.append(keeping(case))
        clients[-2].expect_end()
        equal(clients[-1].connack.session_present, True, "Session Present")
    sender = case.client("sender")
    sender.publish(case.topic(), b"one", qos=1)
    clients[-1].receive("one")
    case.fence(clients[-1], sender)
