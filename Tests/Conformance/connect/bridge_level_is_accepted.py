# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import behaviour
from Support.wait import equal


@behaviour(versions=(3, 4, 5))
def bridge_level_is_accepted(case):
    """A bridge, whose level has the highest bit, sees which messages are retained and gets none of its own."""
    bridge, other = case.client("bridge", level=case.version | 0x80), case.client()
    bridge.subscribe(case.topic("#"))
    bridge.publish(case.topic(), b"own", retain=True)
    other.publish(case.topic(), b"kept", retain=True)
    bridge.receive("kept", retain=True)
    other.publish(case.topic(), b"", retain=True)
    bridge.receive("", retain=True)
    other.publish(case.topic(), b"plain")
    equal(bridge.receive("plain").retain, False, "retain flag of a plain message")
