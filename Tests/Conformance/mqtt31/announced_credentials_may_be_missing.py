# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v3


@v3()
def announced_credentials_may_be_missing(case):
    """A 3.1 client may announce a user name and not send it: the packet's length decides."""
    client = case.dial()
    client.send(mqtt.connect(3, client.client_id, flags=0x82))
    client.expect(mqtt.CONNACK, reason=0)
