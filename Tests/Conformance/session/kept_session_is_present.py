# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import both
from Support.wait import equal


@both("MQTT-3.1.2-5", "MQTT-3.1.2-23", "MQTT-3.1.3-2", "MQTT-3.2.2-3")
def kept_session_is_present(case):
    """A kept session is told by Session Present 1, after DISCONNECT and after a lost connection."""
    keeping(case).disconnect()
    again = keeping(case)
    equal(again.connack.session_present, True, "Session Present after DISCONNECT")
    again.close()
    equal(keeping(case).connack.session_present, True, "Session Present after a lost connection")
