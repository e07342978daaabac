# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched
from Support.suite import both


@both("MQTT-3.1.2-8")
def keep_alive_time_out_publishes_the_will(case):
    """A client that is silent for too long leaves its will."""
    watcher, mortal = watched(case, keepalive=1)
    mortal.expect_end(reasons=[0x8D])
    watcher.receive("gone")
