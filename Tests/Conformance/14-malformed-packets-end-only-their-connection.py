# SPDX-License-Identifier: Apache-2.0
# Every malformed packet of the shared corpus that a client can send, and some that are too long for it. After each one
# a bystander on another connection must be served as before.
from Support import mqtt
from Support.client import Closed
from Support.suite import TESTS, both, check, behaviour, v4
from Support.wait import TestFailure

CORPUS = TESTS / "Corpus/mqtt/malformed.txt"
LEVELS = {"3.1": 3, "3.1.1": 4, "5": 5}


def samples():
    """(version, packet type) -> [(name, bytes, expected reason code)]"""
    found = {}
    for line in CORPUS.read_text().splitlines() if CORPUS.exists() else []:
        if line.startswith("#") or not line.strip():
            continue
        name, version, direction, data, expected = [field.strip() for field in line.split("|")]
        if direction != "s2c":
            data = bytes.fromhex(data)
            found.setdefault((LEVELS[version], data[0] >> 4), []).append((name, data, int(expected, 16)))
    return found


def refusal(client, version, kind, data, expected):
    """None, or what was wrong with the broker's answer to the malformed packet."""
    client.send(data)
    try:
        answer = client.next()
    except Closed:
        silent = version != 5 or kind in (mqtt.CONNECT, mqtt.DISCONNECT)
        return None if silent else "closed without a reason code"
    except TestFailure:
        return "no answer, and the connection is open"
    if kind == mqtt.SUBSCRIBE and answer.type == mqtt.SUBACK and expected == 0x8F:
        return None if answer.reasons[0] in (0x80, 0x8F) else f"granted: {answer!r}"
    if kind == mqtt.UNSUBSCRIBE and answer.type == mqtt.UNSUBACK and expected == 0x8F:
        return None if version != 5 or answer.reasons[0] in (0x11, 0x8F) else f"accepted: {answer!r}"
    if answer.type not in (mqtt.CONNACK, mqtt.DISCONNECT) or not answer.reason:
        return f"answered with {answer!r}"
    # Whether a fault is malformed or a protocol error is often a matter of view; a more exact code is not. An unknown
    # protocol may be refused in the words of 3.1.1.
    accepted = {expected, 0x81, 0x82, 0x94, 0x99} | ({0x01} if expected == 0x84 else set())
    if answer.reason not in accepted and version == 5:
        return f"reason code 0x{answer.reason:02X}, expected 0x{expected:02X}"
    try:
        client.expect_end()
    except TestFailure as failure:
        return str(failure)
    return None


def group(version, kind, members):
    def malformed(case):
        bystander, wrong = case.client("bystander"), []
        for number, (name, data, expected) in enumerate(members):
            client = case.dial(name=f"m{number}")
            if kind != mqtt.CONNECT:
                client.open()
            fault = refusal(client, version, kind, data, expected)
            client.close()
            bystander.ping()
            if fault:
                wrong.append(f"{name} ({data[:24].hex()}): {fault}")
        check(not wrong, f"{len(wrong)} of {len(members)}:\n      " + "\n      ".join(wrong[:12]))
    malformed.__name__ = f"malformed_{mqtt.NAMES[kind].lower()}"
    malformed.__doc__ = f"{len(members)} malformed {mqtt.NAMES[kind]} packets end their connection, and no other."
    behaviour("MQTT-4.13.1-1", versions=(version,))(malformed)


for (level, packet_type), entries in sorted(samples().items()):
    group(level, packet_type, entries)


@both()
def corpus_is_there(case):
    """The corpus of malformed packets is in its place."""
    check(CORPUS.exists(), f"{CORPUS} is missing")


@both("MQTT-4.13.1-1")
def packets_of_a_server_are_refused(case):
    """A client that sends CONNACK, SUBACK, UNSUBACK or PINGRESP is disconnected."""
    for data in (b"\x20\x02\0\0", b"\x90\x03\0\1\0", b"\xb0\x02\0\1", b"\xd0\x00"):
        if case.version == 5:
            data = {0x20: b"\x20\x03\0\0\0", 0x90: b"\x90\x04\0\1\0\0", 0xB0: b"\xb0\x04\0\1\0\0"}.get(data[0], data)
        client = case.client()
        client.send(data)
        client.expect_end(reasons=[0x81, 0x82])


@v4("MQTT-4.13.1-1")
def auth_does_not_exist_in_3_1_1(case):
    """Packet type 15 ends a 3.1.1 connection."""
    client = case.client()
    client.send(b"\xf0\x00")
    client.expect_end()


@both("MQTT-4.13.1-1")
def noise_is_closed(case):
    """A connection that begins with something else than MQTT is closed, the bystander is not."""
    bystander = case.client("bystander")
    for noise in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x77" * 500,
                  b"\xff" * 64, b"\x00" * 64, b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n"):
        client = case.dial()
        client.send(noise)
        client.expect_end()
        bystander.ping()


@both()
def good_packets_before_a_bad_one_count(case):
    """What a client sent before its malformed packet is done."""
    watcher, client = case.client("watcher"), case.client()
    watcher.subscribe(case.topic())
    client.send(mqtt.publish(case.version, case.topic(), b"good") + b"\x00\x00"
                + mqtt.publish(case.version, case.topic(), b"after"))
    watcher.receive("good")
    case.fence(watcher)


@both()
def promised_but_never_sent(case):
    """Many clients that promise big packets and send nothing of them do not stop the others."""
    bystander = case.client("bystander")
    for number in range(50):
        client = case.client(f"p{number}")
        client.send(b"\x30" + mqtt.varint(900_000) + b"\x00")
    bystander.ping()
    bystander.subscribe(case.topic())
    bystander.publish(case.topic(), b"served", qos=1)
    bystander.receive("served")
