# SPDX-License-Identifier: Apache-2.0
# Every malformed packet of the corpus: it ends its own connection, with the right reason code, and no other.
from Support import mqtt
from Support.client import Closed
from Support.suite import TESTS, behaviour, check
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


def form_of_refusal(version, data):
    """The version in whose form a CONNECT that may ask for any level is refused."""
    level = data[4 + int.from_bytes(data[2:4], "big"):][:1]
    return 5 if level and level[0] & 0x7F > 5 else version


def group(version, kind, members):
    def malformed(case):
        bystander, wrong = case.client("bystander"), []
        for number, (name, data, expected) in enumerate(members):
            client = case.dial(name=f"m{number}")
            if kind == mqtt.CONNECT:
                client.version = form_of_refusal(version, data)
            else:
                client.open()
            fault = refusal(client, version, kind, data, expected)
            client.close()
            bystander.ping()
            if fault:
                wrong.append(f"{name} ({data[:24].hex()}): {fault}")
        wrong.sort(key=lambda fault: "closed without a reason code" in fault)
        check(not wrong, f"{len(wrong)} of {len(members)}:\n      " + "\n      ".join(wrong[:12]))
    malformed.__name__ = f"malformed_{mqtt.NAMES[kind].lower()}"
    malformed.__doc__ = f"{len(members)} malformed {mqtt.NAMES[kind]} packets end their connection, and no other."
    behaviour("MQTT-4.13.1-1", versions=(version,))(malformed)


for (level, packet_type), entries in sorted(samples().items()):
    group(level, packet_type, entries)
