# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.2-8")
def protocol_error_publishes_the_will(case):
    """A client that is thrown out for a second CONNECT leaves its will."""
    watcher, mortal = watched(case)
    mortal.send(mqtt.connect(case.version, mortal.client_id))
    mortal.expect_end()
    watcher.receive("gone")
