# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched, will_of
from Support.suite import v5


@v5("MQTT-3.1.2-8")
def session_end_ends_the_will_delay(case):
    """The will is published at the end of the session if that comes before the delay is over."""
    watcher, mortal = watched(case, will=will_of(case, props={"will_delay": 3600}), props={"session_expiry": 0})
    mortal.close()
    watcher.receive("gone")
