# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched, will_of
from Support.suite import v5


@v5("MQTT-3.1.3-9")
def coming_back_in_time_cancels_the_will(case):
    """A client that comes back within the Will Delay Interval leaves no will."""
    watcher, mortal = watched(case, will=will_of(case, props={"will_delay": 1}), props={"session_expiry": 60})
    mortal.close()
    case.client("mortal", clean=False, props={"session_expiry": 60})
    # A second will with the same delay, of a client that does not come back, tells that the time is over.
    other = case.client("other", will=will_of(case, payload=b"other", props={"will_delay": 2}),
                        props={"session_expiry": 60})
    other.close()
    watcher.receive("other")
