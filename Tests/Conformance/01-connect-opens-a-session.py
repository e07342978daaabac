# SPDX-License-Identifier: Apache-2.0
# What a CONNECT may look like, and what the CONNACK says. Refusals by credentials are in Interop.
from Support import mqtt
from Support.suite import behaviour, both, check, v4, v5
from Support.wait import equal


@behaviour("MQTT-3.2.0-1", versions=(3, 4, 5))
def connect_is_accepted(case):
    """A correct CONNECT is answered with a CONNACK that says success and no session present."""
    client = case.client()
    equal(client.connack.session_present, False, "Session Present")


@both("MQTT-3.1.0-1")
def first_packet_must_be_connect(case):
    """A client whose first packet is not a CONNECT is disconnected."""
    client = case.dial()
    client.send(mqtt.pingreq())
    client.expect_end()


@both("MQTT-3.1.0-1")
def publish_before_connect_is_not_routed(case):
    """A PUBLISH before the CONNECT is not routed and ends the connection."""
    watcher = case.client("watcher")
    watcher.subscribe(case.topic())
    client = case.dial(name="early")
    client.send(mqtt.publish(case.version, case.topic(), b"early"))
    client.expect_end()
    case.fence(watcher)


@both("MQTT-3.1.0-2")
def second_connect_is_a_protocol_error(case):
    """A second CONNECT on one connection ends it as a protocol error."""
    client = case.client()
    client.send(mqtt.connect(case.version, client.client_id))
    client.expect_end(reasons=[0x82])


@both("MQTT-3.1.2-1")
def wrong_protocol_name_is_refused(case):
    """A CONNECT with another protocol name is refused and the connection closed."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id, name="MQTX"))
    end = client.expect_end()
    check(end is None or end.reason in (0x01, 0x84), f"an unexpected answer: {end!r}")


@both("MQTT-3.1.2-2")
def unknown_protocol_level_is_refused(case):
    """A CONNECT with an unknown protocol level is refused with Unsupported Protocol Version."""
    client = case.dial(version=4)
    client.send(mqtt.connect(4, client.client_id, level=6 if case.version == 5 else 99))
    end = client.expect_end()
    check(end is None or end.reason in (0x01, 0x84), f"an unexpected answer: {end!r}")


@behaviour("MQTT-3.1.2-1", versions=(3,))
def mqtt_3_1_name_with_3_1_1_level_is_refused(case):
    """The protocol name MQIsdp with level 4 is refused."""
    client = case.dial(version=4)
    client.send(mqtt.connect(4, client.client_id, name="MQIsdp"))
    client.expect_end()


@both("MQTT-3.1.2-3")
def reserved_connect_flag_is_malformed(case):
    """A CONNECT with the reserved flag set ends the connection."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id, flags=0x03))
    client.expect_end(reasons=[0x81, 0x82])


@both("MQTT-3.1.3-5")
def client_id_of_23_letters_and_digits_is_accepted(case):
    """A client identifier of 23 letters and digits is accepted."""
    case.client(client_id=f"Az09{case.number:019d}")


@both("MQTT-3.1.3-4")
def long_unicode_client_id_is_accepted(case):
    """A long client identifier of any UTF-8 characters is accepted as it is."""
    case.client(client_id=case.id("日本語-ünï-") + "x" * 100)


@v4("MQTT-3.1.3-7")
def empty_client_id_with_clean_session_is_accepted(case):
    """An empty client identifier with CleanSession 1 gets a session of its own."""
    first, second = case.client(client_id=""), case.client(client_id="")
    first.ping()
    second.ping()


@v4("MQTT-3.1.3-8")
def empty_client_id_without_clean_session_is_refused(case):
    """An empty client identifier with CleanSession 0 is answered with 0x02 and closed."""
    client = case.dial(client_id="")
    client.send(mqtt.connect(4, "", clean=False))
    equal(client.expect(mqtt.CONNACK).reason, 2, "CONNACK return code [MQTT-3.1.3-9]")
    client.expect_end()


@v5("MQTT-3.1.3-6", "MQTT-3.2.2-16")
def empty_client_id_is_assigned_one(case):
    """An empty client identifier is replaced by one that the CONNACK tells."""
    first, second = case.client(client_id=""), case.client(client_id="")
    ids = [c.connack.properties.get("assigned_client_id") for c in (first, second)]
    check(all(ids) and ids[0] != ids[1], f"Assigned Client Identifiers: {ids!r}")


@v5("MQTT-3.2.2-16")
def assigned_client_id_can_be_used_again(case):
    """A session under an assigned client identifier can be resumed by that identifier."""
    first = case.client(client_id="", props={"session_expiry": 100})
    name = first.connack.properties["assigned_client_id"]
    first.disconnect()
    equal(case.client(client_id=name, clean=False).connack.session_present, True, "Session Present")


@v5("MQTT-3.2.2-16")
def own_client_id_is_not_told_back(case):
    """A client that brought an identifier is not assigned another one."""
    check("assigned_client_id" not in case.client().connack.properties, "an Assigned Client Identifier was sent")


@v5("MQTT-3.1.3-8")
def empty_client_id_without_clean_start_is_decided(case):
    """An empty client identifier with Clean Start 0 gets either a new session or 0x85."""
    client = case.dial(client_id="")
    client.send(mqtt.connect(5, "", clean=False))
    connack = client.expect(mqtt.CONNACK)
    check(connack.reason in (0, 0x85) and not connack.session_present, f"{connack!r}")


@both("MQTT-3.1.4-3")
def second_client_takes_over(case):
    """A second connection with the same client identifier ends the first one."""
    first = case.client("same")
    second = case.client("same")
    first.expect_end(reasons=[0x8E])
    second.ping()


@both("MQTT-3.1.4-3")
def take_over_keeps_the_session(case):
    """A take-over without clean start goes on with the session of the first connection."""
    expiry = {"session_expiry": 100} if case.version == 5 else None
    first = case.client("same", clean=False, props=expiry)
    first.subscribe(case.topic(), qos=1)
    second = case.client("same", clean=False, props=expiry)
    first.expect_end(reasons=[0x8E])
    equal(second.connack.session_present, True, "Session Present")
    case.client("sender").publish(case.topic(), b"hello", qos=1)
    second.receive("hello", qos=1)


@both("MQTT-3.1.2-17")
def user_name_without_password_is_read(case):
    """A CONNECT with a user name alone is well formed."""
    case.client(username="somebody")


@both("MQTT-3.1.2-19")
def user_name_and_password_are_read(case):
    """A CONNECT with user name and password is well formed."""
    case.client(username="somebody", password=b"secret\x00\xff")


@v4("MQTT-3.1.2-22")
def password_without_user_name_is_refused(case):
    """In 3.1.1 a password needs a user name."""
    client = case.dial()
    client.send(mqtt.connect(4, client.client_id, password=b"secret"))
    client.expect_end()


@v5("MQTT-3.1.2-19")
def password_without_user_name_is_allowed(case):
    """In 5.0 a password may stand alone."""
    case.client(password=b"secret")


@v5()
def connack_limits_are_sane(case):
    """The CONNACK's limits keep to their ranges."""
    found = case.client().connack.properties
    check(found.get("receive_maximum", 1) > 0, "Receive Maximum is 0")
    check(found.get("maximum_packet_size", 1) > 0, "Maximum Packet Size is 0")
    check(found.get("maximum_qos", 0) in (0, 1), "Maximum QoS is neither 0 nor 1 [MQTT-3.2.2-9]")


@v5("MQTT-4.12.0-1")
def unknown_authentication_method_is_refused(case):
    """A CONNECT with an authentication method that nobody knows is refused with 0x8C."""
    client = case.dial()
    client.send(mqtt.connect(5, client.client_id, props={"auth_method": "NOBODY-KNOWS"}))
    client.expect_end(reasons=[0x8C])


@v5()
def user_properties_of_connect_are_read(case):
    """A CONNECT may carry every property it is allowed to carry."""
    case.client(props={
        "session_expiry": 0, "receive_maximum": 10, "maximum_packet_size": 100000, "topic_alias_maximum": 5,
        "request_response_information": 1, "request_problem_information": 1, "user_property": [("a", "1"), ("a", "2")]})


@v5("MQTT-3.1.2-29")
def no_problem_information_when_not_wanted(case):
    """With Request Problem Information 0 no reason string comes with a SUBACK or PUBACK."""
    client = case.client(props={"request_problem_information": 0})
    suback = client.subscribe(case.topic(), qos=1)
    puback = client.publish(case.topic("nobody"), b"x", qos=1)
    for packet in (suback, puback):
        check(not packet.properties.keys() & {"reason_string", "user_property"}, f"{packet!r}")


@both()
def packets_may_follow_connect_at_once(case):
    """A client need not wait for the CONNACK before it sends more."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id) + mqtt.subscribe(case.version, 1, [(case.topic(), 0)])
                + mqtt.publish(case.version, case.topic(), b"one") + mqtt.pingreq())
    client.expect(mqtt.CONNACK, reason=0)
    client.take(mqtt.SUBACK, pid=1)
    client.take(mqtt.PINGRESP)
    client.take(mqtt.PUBLISH, payload=b"one")


@both()
def packets_may_come_byte_by_byte(case):
    """A packet that arrives one byte at a time is the same packet."""
    client = case.dial()
    for byte in mqtt.connect(case.version, client.client_id, username="u", password=b"p"):
        client.send(bytes([byte]))
    client.expect(mqtt.CONNACK, reason=0)
    for byte in mqtt.publish(case.version, case.topic(), b"slow", qos=1, pid=7):
        client.send(bytes([byte]))
    client.expect(mqtt.PUBACK, pid=7)
