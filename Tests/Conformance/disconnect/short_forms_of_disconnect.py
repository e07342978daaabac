# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5


@v5()
def short_forms_of_disconnect(case):
    """A DISCONNECT may leave out the properties, or the reason code too."""
    for data in (b"\xe0\x00", b"\xe0\x01\x00", b"\xe0\x02\x00\x00"):
        client = case.client()
        client.send(data)
        client.expect_end()
