# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.1.2-23")
def disconnect_can_lengthen_the_expiry(case):
    """A longer Session Expiry Interval in DISCONNECT is taken over."""
    keeping(case, expiry=1).disconnect(props={"session_expiry": 500})
    equal(keeping(case).connack.session_present, True, "Session Present")
