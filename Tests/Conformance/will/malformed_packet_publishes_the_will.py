# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched
from Support.suite import both


@both("MQTT-3.1.2-8")
def malformed_packet_publishes_the_will(case):
    """A client that is thrown out for a malformed packet leaves its will."""
    watcher, mortal = watched(case)
    mortal.send(b"\x00\x00")
    mortal.expect_end()
    watcher.receive("gone")
