# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import both
from Support.wait import equal


@both("MQTT-3.1.2-6")
def first_connection_has_no_session(case):
    """Without a stored session the CONNACK says Session Present 0."""
    equal(keeping(case).connack.session_present, False, "Session Present")
