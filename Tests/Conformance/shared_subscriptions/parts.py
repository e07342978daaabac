# SPDX-License-Identifier: Apache-2.0
# What the behaviours of this chapter share.
from Support import mqtt
from Support.wait import until


def members(case, count, group="g", filter_="t", qos=0):
    found = [case.client(f"{group}{i}") for i in range(count)]
    for one in found:
        one.subscribe(f"$share/{group}/{case.topic(filter_)}", qos=qos)
    return found


def drain(clients, total, patience=20):
    """The payloads that the clients get, `total` of them all told."""
    seen = {c: [] for c in clients}

    def read():
        for client in clients:
            client.ping()
            for message in [p for p in client.inbox if p.type == mqtt.PUBLISH]:
                client.inbox.remove(message)
                seen[client].append(message.payload)
                client.acknowledge(message)
        return sum(map(len, seen.values())) >= total
    until(read, f"{total} messages arrive", patience)
    return list(seen.values())
