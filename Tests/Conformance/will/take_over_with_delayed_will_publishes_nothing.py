# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched, will_of
from Support.suite import v5


@v5("MQTT-3.1.2-8")
def take_over_with_delayed_will_publishes_nothing(case):
    """A take-over that goes on with the session within the delay publishes no will."""
    watcher, mortal = watched(case, will=will_of(case, props={"will_delay": 3600}), props={"session_expiry": 3600})
    case.client("mortal", clean=False, props={"session_expiry": 3600})
    mortal.expect_end()
    case.fence(watcher)
