# SPDX-License-Identifier: Apache-2.0
# mqtt.max_keepalive: MQTT 5 clients with a longer keep-alive, or none, are told the longest one.
from Support.broker import Isthmus, config
from Support.suite import behaviour
from Support.wait import equal


@behaviour()
def longer_keep_alive_is_shortened(case):
    """A longer keep-alive and none are replaced, a shorter one and that of older clients stay."""
    broker = Isthmus("limit", lambda port: config(port, extra="mqtt.max_keepalive = 60\n"))
    case.finally_(broker.kill)
    broker.start()
    for version, asked, told in ((5, 61, 60), (5, 0, 60), (5, 60, None), (5, 5, None), (4, 100, None)):
        client = broker.client("c", version, keepalive=asked)
        equal((client.connack.properties or {}).get("server_keep_alive"), told, f"{version} asks for {asked}")
