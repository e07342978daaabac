# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched, will_of
from Support.suite import check, v5


@v5("MQTT-3.3.2-6")
def will_expires_like_a_message(case):
    """A will's Message Expiry Interval is passed on."""
    watcher, mortal = watched(case, will=will_of(case, props={"message_expiry": 600}))
    mortal.close()
    check(590 < watcher.receive("gone").properties.get("message_expiry", 0) <= 600, "another expiry")
