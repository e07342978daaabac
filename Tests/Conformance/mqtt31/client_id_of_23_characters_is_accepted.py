# SPDX-License-Identifier: Apache-2.0
from Support.suite import v3


@v3()
def client_id_of_23_characters_is_accepted(case):
    """A client identifier of 23 characters, the most that MQTT 3.1 knows, is accepted."""
    case.client(client_id=f"{case.id():0<23}")
