# SPDX-License-Identifier: Apache-2.0
import time

from Conformance.will.parts import watched, will_of
from Support.suite import check, v5


@v5("MQTT-3.1.2-8")
def will_delay_is_waited_for(case):
    """A will with a Will Delay Interval is published after it, not before."""
    watcher, mortal = watched(case, will=will_of(case, props={"will_delay": 1}), props={"session_expiry": 60})
    mortal.close()
    lost = time.monotonic()
    case.fence(watcher)
    watcher.receive("gone")
    check(time.monotonic() - lost > 0.9, "the will came before its delay was over")
