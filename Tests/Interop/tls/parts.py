# SPDX-License-Identifier: Apache-2.0
# A broker with a TLS listener, and how its clients are turned away.
import signal
import ssl

from Support import mqtt
from Support.broker import Isthmus, config
from Support.ports import free_port
from Support.tls import TLSClient, certificates, context
from Support.wait import until


class Secure(Isthmus):
    """A broker with listeners.ssl.default beside the plain one. `options` are of ssl_options, `listener` beside it."""

    def __init__(self, case, options="", listener="", extra="", certificate="server", start=True):
        super().__init__("tls", "")
        case.finally_(self.kill)
        self.tls_port, self.listener, self.extra = free_port(), listener, extra
        self.set(options, certificate)
        if start:
            self.start()

    def set(self, options="", certificate="server"):
        identity = f'certfile = "{{certs}}/{certificate}.pem", keyfile = "{{certs}}/{certificate}.key"\n'
        text = (identity if certificate else "") + options
        self.write(config(self.port, extra=(
            f'listeners.ssl.default {{ bind = "127.0.0.1:{self.tls_port}"\n{self.listener}\n'
            f'ssl_options {{ {text} }} }}\n{self.extra}\n').replace("{certs}", str(certificates()))
            .replace("{folder}", str(self.folder))))

    def wait_until_listening(self):
        super().wait_until_listening()
        self.said("listening on ")
        return self

    def hang_up(self, expected="is in force as it is now"):
        before = self.log.count(expected)
        self.child.send_signal(signal.SIGHUP)
        until(lambda: self.log.count(expected) > before, f"the log says {expected!r}: {self.tail()}")

    @property
    def tls_address(self):
        return ("127.0.0.1", self.tls_port)

    def dial(self, case, certificate=None, version=None, protocol=5, client_id="", **more):
        client = TLSClient(self.tls_address, protocol, client_id, context(certificate, version), **more)
        case.clients.append(client)
        return client

    def said(self, text):
        until(lambda: text in self.log, f"the log says {text!r}: {self.tail()}")


def words(broker, *more):
    return ["-p", broker.tls_port, "-h", "localhost", "--cafile", certificates() / "ca.pem", *more]


def refused(broker, case, certificate=None, **more):
    """The broker does not let this client through TLS."""
    try:
        client = broker.dial(case, certificate, **more)
        # With TLS 1.3 the client is done before the server has looked at its certificate.
        client.send(mqtt.connect(5, "x"))
        client.expect_end()
    except (ssl.SSLError, ConnectionError):
        pass


MUTUAL = 'verify = verify_peer, fail_if_no_peer_cert = true, cacertfile = "{certs}/ca.pem"\n'
VERSIONS = {4: "1.2", 5: "1.3"}
