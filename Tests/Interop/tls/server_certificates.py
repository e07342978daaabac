# SPDX-License-Identifier: Apache-2.0
# A listener's own certificates: by server name, reload, resumption, expiry, encrypted keys.
import re
import ssl

from Interop.tls.parts import MUTUAL, Secure, VERSIONS, refused
from Support.suite import behaviour, check
from Support.tls import TLSClient, context
from Support.wait import TestFailure, equal


@behaviour(versions=(4, 5))
def server_name_chooses_the_certificate(case):
    """sni_certs: the certificate follows the name the client asks for; the listener's own is for all other names."""
    sni = ('sni_certs = [{ hosts = ["*.a.example", "b.example"], certfile = "{certs}/named.pem", '
           'keyfile = "{certs}/named.key" }]\n')
    broker = Secure(case, MUTUAL + sni)
    version = VERSIONS[case.version]
    for name in ("x.a.example", "X.A.Example", "b.example", "localhost"):
        broker.dial(case, "device", version=version, name=name).open().ping()
    for name in ("a.example", "y.x.a.example"):
        try:
            broker.dial(case, "device", version=version, name=name)
            raise TestFailure(f"there is a certificate for {name}")
        except ssl.SSLCertVerificationError:
            pass
    # The rules for clients are the same under every name.
    refused(broker, case, version=version, name="b.example")
    refused(broker, case, "stranger", version=version, name="b.example")


@behaviour()
def new_certificate_after_a_reload(case):
    """SIGHUP brings new certificates into force for new connections; the open ones stay, and tickets stay good."""
    broker = Secure(case)
    tls = context(version="1.2")
    old = TLSClient(broker.tls_address, tls=tls).open()
    case.clients.append(old)
    ticket = old.socket.session
    equal(common_name(old), "localhost", "certificate before")
    broker.set(certificate="second")
    broker.hang_up()
    equal(common_name(broker.dial(case).open()), "second", "certificate after")
    old.ping()
    again = TLSClient(broker.tls_address, tls=tls, session=ticket)
    case.clients.append(again)
    check(again.socket.session_reused, "the session was resumed")
    again.open().ping()


def common_name(client):
    return dict(one for part in client.socket.getpeercert()["subject"] for one in part)["commonName"]


@behaviour()
def broken_certificate_changes_nothing(case):
    """A certificate that cannot be read is named by place and file at a reload, and the one from before serves on."""
    broker = Secure(case)
    broker.set('certfile = "{certs}/rubbish.pem"\n')
    broker.hang_up("listener ssl:default keeps its old certificates and settings")
    check(re.search(r"isthmus\.conf:\d+:\d+: listeners\.ssl\.default\.ssl_options: the file \S+/rubbish\.pem holds no",
                    broker.log), f"no place: {broker.tail()}")
    equal(common_name(broker.dial(case).open()), "localhost", "certificate")
    broker.set('keyfile = "{certs}/device.key"\n')
    broker.hang_up("listener ssl:default keeps its old certificates and settings")
    broker.said("does not belong to the certificate")
    broker.dial(case).open().ping()


@behaviour()
def resumption_may_be_switched_off(case):
    """session_tickets = disabled gives none; by default a session is resumed, but not where certificates are checked."""
    def resumes(broker, certificate=None):
        tls = context(certificate, "1.2")
        first = TLSClient(broker.tls_address, tls=tls).open()
        second = TLSClient(broker.tls_address, tls=tls, session=first.socket.session)
        case.clients.extend([first, second])
        second.open().ping()
        return second.socket.session_reused
    equal(resumes(Secure(case)), True, "by default")
    equal(resumes(Secure(case, "session_tickets = disabled\n")), False, "disabled")
    equal(resumes(Secure(case, MUTUAL), "device"), False, "with certificates")
    equal(resumes(Secure(case, MUTUAL + "session_tickets = stateless_with_cert\n"), "device"), True, "with certificates")


@behaviour()
def certificate_that_runs_out_is_told(case):
    """A certificate with less than thirty days left is a warning at the start and at a reload."""
    broker = Secure(case, certificate="soon")
    broker.said("soon.pem expires in ")
    broker.hang_up("soon.pem expires in ")
    check("server.pem" not in broker.log, "nothing about others")


@behaviour()
def encrypted_key_needs_its_password(case):
    """The password of an encrypted key is used, and a wrong one stops the start without being shown."""
    Secure(case, 'keyfile = "{certs}/locked.key", password = secret\n').dial(case).open().ping()
    wrong = Secure(case, 'keyfile = "{certs}/locked.key", password = "a-guess"\n', start=False).launch()
    check(wrong.wait() != 0, "the broker started")
    check("locked.key is encrypted" in wrong.log and "check the password" in wrong.log and "a-guess" not in wrong.log, wrong.log)
