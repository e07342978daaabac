# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5


@v5("MQTT-3.8.3-3")
def own_will_is_not_local(case):
    """With No Local a client does not get its own will when it comes back; others do."""
    kept = {"clean": False, "props": {"session_expiry": 300}}
    watcher = case.client("watcher")
    watcher.subscribe(case.topic("will"))
    client = case.client(will={"topic": case.topic("will"), "payload": b"gone"}, **kept)
    client.subscribe(case.topic("will"), options=0x04 | 1)
    client.close()
    watcher.receive("gone")
    case.fence(case.client(**kept))
