# SPDX-License-Identifier: Apache-2.0
from Support.suite import v3


@v3()
def lost_connection_leaves_its_will(case):
    """The will is published, at its QoS, when the connection ends without DISCONNECT."""
    watcher = case.client("watcher")
    watcher.subscribe(case.topic("will"), qos=2)
    for qos in range(3):
        case.client("mortal", will={"topic": case.topic("will"), "payload": b"gone", "qos": qos}).close()
        watcher.receive("gone", qos=qos)
