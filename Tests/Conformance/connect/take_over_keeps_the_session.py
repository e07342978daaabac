# SPDX-License-Identifier: Apache-2.0
from Support.suite import both
from Support.wait import equal


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
