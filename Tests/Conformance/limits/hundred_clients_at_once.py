# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both()
def hundred_clients_at_once(case):
    """A hundred clients connect, subscribe and hear one publisher."""
    clients = [case.client(f"c{i}") for i in range(100)]
    for one in clients:
        one.subscribe(case.topic())
    case.client("sender").publish(case.topic(), b"all")
    for one in clients:
        one.receive("all")
