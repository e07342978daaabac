# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched, will_of
from Support.suite import v5


@v5("MQTT-3.1.2-8")
def clean_start_ends_the_will_delay(case):
    """A clean start of the same client ends the session, and publishes the delayed will."""
    watcher, mortal = watched(case, will=will_of(case, props={"will_delay": 3600}), props={"session_expiry": 3600})
    mortal.close()
    case.client("mortal", clean=True)
    watcher.receive("gone")
