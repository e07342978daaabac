# SPDX-License-Identifier: Apache-2.0
from Support.suite import behaviour


@behaviour("MQTT-3.14.4-2", versions=(3, 4, 5))
def disconnect_closes_the_connection(case):
    """After a DISCONNECT the broker closes the connection, without an answer."""
    case.client().disconnect()
