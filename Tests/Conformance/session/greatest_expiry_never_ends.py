# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.1.2-23")
def greatest_expiry_never_ends(case):
    """A Session Expiry Interval of 0xFFFFFFFF is accepted."""
    keeping(case, expiry=0xFFFFFFFF).disconnect()
    client = keeping(case, expiry=0xFFFFFFFF)
    equal(client.connack.session_present, True, "Session Present")
    client.disconnect(props={"session_expiry": 0})
