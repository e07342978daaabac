# SPDX-License-Identifier: Apache-2.0
# Clients' certificates: required, left out, revoked, and the names in them.
import hashlib
import re
import ssl

from Interop.tls.parts import MUTUAL, Secure, VERSIONS, refused, words
from Support import mqtt
from Support.suite import behaviour
from Support.tls import TLSClient, certificates
from Support.tools import command
from Support.wait import equal


@behaviour(versions=(4, 5))
def certificate_may_be_required(case):
    """With fail_if_no_peer_cert only certificates of the authority get through; the log says why others do not."""
    broker = Secure(case, MUTUAL)
    version = VERSIONS[case.version]
    broker.dial(case, "device", version=version).open().ping()
    refused(broker, case, version=version)
    broker.said("the client sent no certificate, and this listener requires one")
    refused(broker, case, "stranger", version=version)
    broker.said("the peer's certificate is not accepted: unable to get local issuer certificate")
    done = command("mosquitto_pub", *words(broker, "-t", "t", "-m", "m"), "--cert", certificates() / "device.pem",
                   "--key", certificates() / "device.key")
    equal(done.status, 0, "mosquitto_pub with a certificate")


@behaviour()
def certificate_may_be_left_out(case):
    """Without fail_if_no_peer_cert a client without a certificate is served, one with a strange one is not."""
    broker = Secure(case, 'verify = verify_peer, cacertfile = "{certs}/ca.pem"\n')
    broker.dial(case).open().ping()
    broker.dial(case, "device").open().ping()
    refused(broker, case, "stranger")


@behaviour(versions=(4, 5))
def revoked_certificate_is_refused(case):
    """With enable_crl_check a certificate in crlfile does not get in, and others do; a new list counts after SIGHUP."""
    options = MUTUAL + 'enable_crl_check = true, crlfile = "{folder}/list.crl"\n'
    broker = Secure(case, options, start=False)
    (broker.folder / "list.crl").write_bytes((certificates() / "nobody.crl").read_bytes())
    broker.start()
    version = VERSIONS[case.version]
    open_one = broker.dial(case, "lost", version=version).open()
    session = open_one.socket.session
    (broker.folder / "list.crl").write_bytes((certificates() / "lost.crl").read_bytes())
    broker.hang_up()
    refused(broker, case, "lost", version=version)
    broker.said("the peer's certificate is not accepted: certificate revoked")
    try:
        tls = open_one.tls
        again = TLSClient(broker.tls_address, tls=tls, session=session)
        again.send(mqtt.connect(5, "x"))
        again.expect_end()
    except (ssl.SSLError, ConnectionError):
        pass
    broker.dial(case, "device", version=version).open().ping()
    open_one.ping()


def named_by(case, key, part):
    """The client identifier or user name that a client with the certificate `device` has."""
    broker = Secure(case, MUTUAL, extra=f"mqtt.peer_cert_as_{key} = {part}")
    client = broker.dial(case, "device", client_id="said", protocol=4)
    client.open(username="said")
    name = re.search(r"\[info\] client (.*?) from \S+ on ssl:default: connected", broker.log, re.S)
    return client, broker, name and name[1]


@behaviour()
def certificate_names_the_client(case):
    """mqtt.peer_cert_as_clientid replaces the client identifier by common name, subject or MD5 of the certificate."""
    der = ssl.PEM_cert_to_DER_cert((certificates() / "device.pem").read_text()[
        (certificates() / "device.pem").read_text().index("-----BEGIN"):])
    for part, expected in (("disabled", "said"), ("cn", "device 7"), ("dn", "CN=device 7,O=Example"),
                           ("md5", hashlib.md5(der).hexdigest())):
        equal(named_by(case, "clientid", part)[2], expected, f"client identifier by {part}")


@behaviour()
def certificate_names_the_user(case):
    """mqtt.peer_cert_as_username replaces the user name before authentication and rules see it."""
    broker = Secure(case, MUTUAL, start=False)
    acl = broker.folder / "acl.conf"
    acl.write_text('{allow, {user, "device 7"}, publish, ["t"]}.\n{deny, all}.\n')
    broker.extra = ('mqtt.peer_cert_as_username = cn\nplugins = [{ name = FileACL }]\n'
                    f'authorization {{ no_match = deny, sources = [{{ type = file, path = "{acl}" }}] }}')
    broker.set(MUTUAL)
    broker.start()
    client = broker.dial(case, "device").open(username="somebody else")
    equal(client.publish("t", b"x", qos=1, accepted=False).reason & 0x80, 0, "publish as the certificate's user")
    other = broker.dial(case, "lost").open(username="device 7")
    equal(other.publish("t", b"x", qos=1, accepted=False).reason, 0x87, "publish with the user of another certificate")


@behaviour()
def certificate_without_the_name_is_refused(case):
    """A certificate without a common name, where that names clients, is turned away."""
    broker = Secure(case, MUTUAL, extra="mqtt.peer_cert_as_username = cn")
    refused(broker, case, "nameless")
    broker.said("its certificate has no cn, by which mqtt.peer_cert_as_username names clients")


@behaviour()
def anonymous_clients_may_be_refused_at_once(case):
    """enable_authn = quick_deny_anonymous: a user name or a certificate is needed, but nothing is asked about it."""
    broker = Secure(case, 'verify = verify_peer, cacertfile = "{certs}/ca.pem"\n',
                    listener="enable_authn = quick_deny_anonymous")
    broker.dial(case).open(expect=0x87)
    broker.dial(case).open(username="ann").ping()
    broker.dial(case, "device").open().ping()
