# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import both
from Support.wait import equal


@both("MQTT-3.1.2-4", "MQTT-3.2.2-2")
def clean_start_has_no_session(case):
    """A clean start is answered with Session Present 0, whatever there was before."""
    keeping(case).disconnect()
    equal(case.client().connack.session_present, False, "Session Present")
