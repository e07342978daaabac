# SPDX-License-Identifier: Apache-2.0
# A listener's certificate that is not of the root itself: who issued it is sent along, from cacertfile as in EMQX.
import ssl

from Support import mqtt
from Support.broker import Isthmus, config
from Support.ports import free_port
from Support.suite import behaviour, check
from Support.tls import TLSClient, certificates, context
from Support.wait import until


def secure(case, authorities):
    port = free_port()
    options = f'certfile = "{certificates()}/below.pem", keyfile = "{certificates()}/below.key"'
    if authorities:
        options += f', cacertfile = "{certificates()}/middle.pem"'
    broker = Isthmus("chain", lambda plain: config(plain, extra=(
        f'listeners.ssl.default {{ bind = "127.0.0.1:{port}", ssl_options {{ {options} }} }}\n')))
    case.finally_(broker.kill)
    broker.start()
    until(lambda: "listening on " in broker.log, f"all listeners are open: {broker.tail()}")
    return ("127.0.0.1", port)


@behaviour()
def authorities_complete_the_chain(case):
    """A client that knows only the root accepts a certificate of an authority below it that stands in cacertfile."""
    client = TLSClient(secure(case, True), 5, "c", context())
    case.clients.append(client)
    client.open()
    client.ping()
    check(client.connack.type == mqtt.CONNACK, "connected")


@behaviour()
def chain_with_a_gap_is_refused_by_the_client(case):
    """Without it the same client sees a gap: what the test above shows is the listener's doing."""
    try:
        TLSClient(secure(case, False), 5, "c", context()).open()
    except ssl.SSLCertVerificationError:
        return
    check(False, "the client accepted a chain with a gap")
