# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-4.1.0-2")
def disconnect_can_shorten_the_expiry(case):
    """A Session Expiry Interval of 0 in DISCONNECT ends the session."""
    client = keeping(case)
    client.disconnect(props={"session_expiry": 0})
    equal(keeping(case).connack.session_present, False, "Session Present")
