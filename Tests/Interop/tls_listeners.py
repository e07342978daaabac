# SPDX-License-Identifier: Apache-2.0
# listeners.ssl: TLS by mosquitto's clients and by Python's, certificates of clients, names, reload, and what goes wrong.
import hashlib
import os
import re
import signal
import socket
import ssl
import struct

from Support import mqtt
from Support.broker import Isthmus, config
from Support.client import Client
from Support.ports import free_port
from Support.suite import behaviour, check
from Support.tls import TLSClient, certificates, context
from Support.tools import Subscriber, command, isthmus, mosquitto_pub
from Support.wait import TestFailure, equal, until


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


@behaviour(versions=(4, 5))
def mosquitto_speaks_tls(case):
    """mosquitto_pub and mosquitto_sub with --cafile talk over TLS 1.2 (MQTT 3.1.1) and 1.3 (MQTT 5.0)."""
    broker = Secure(case)
    more = ["--tls-version", f"tlsv{VERSIONS[case.version]}", "-V", {4: "mqttv311", 5: "mqttv5"}[case.version]]
    ears = Subscriber(case, broker, "-t", "t", "-q", "1", *words(broker, *more))
    mosquitto_pub(broker, "-t", "t", "-m", "over TLS", "-q", "1", *words(broker, *more))
    mosquitto_pub(broker, "-t", "t", "-m", "from the plain port", "-q", "1")
    equal(ears.wait_for(2), ["over TLS", "from the plain port"], "lines of mosquitto_sub")
    check(broker.stop() == 0, "a clean end")


@behaviour(versions=(4, 5))
def version_of_tls_is_the_clients(case):
    """TLS 1.2 and 1.3 are spoken, each with a cipher of its own."""
    broker = Secure(case)
    client = broker.dial(case, version=VERSIONS[case.version]).open()
    equal(client.socket.version(), f"TLSv{VERSIONS[case.version]}", "version")
    client.ping()


@behaviour()
def versions_may_be_narrowed(case):
    """versions = ["tlsv1.3"] turns TLS 1.2 away."""
    broker = Secure(case, 'versions = ["tlsv1.3"]\n')
    broker.dial(case, version="1.3").open().ping()
    refused(broker, case, version="1.2")


@behaviour(versions=(4, 5))
def ciphers_may_be_named(case):
    """ciphers are OpenSSL's names of both kinds, in an array or in one string."""
    broker = Secure(case, 'ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384, TLS_CHACHA20_POLY1305_SHA256"\n')
    client = broker.dial(case, version=VERSIONS[case.version]).open()
    equal(client.socket.cipher()[0],
          {4: "ECDHE-ECDSA-AES256-GCM-SHA384", 5: "TLS_CHACHA20_POLY1305_SHA256"}[case.version], "cipher")


@behaviour(versions=(4, 5))
def big_payloads_cross_both_ways(case):
    """A payload of 3 MB goes in over TLS and comes out over TLS, unchanged."""
    broker = Secure(case, extra="mqtt.max_packet_size = 4MB")
    ears = broker.dial(case, version=VERSIONS[case.version], protocol=case.version).open()
    ears.subscribe("big", qos=1)
    mouth = broker.dial(case, version=VERSIONS[case.version], protocol=case.version).open()
    payload = os.urandom(3 << 20)
    mouth.publish("big", payload, qos=1)
    got = ears.receive(topic="big").payload
    equal(hashlib.sha256(got).hexdigest(), hashlib.sha256(payload).hexdigest(), "payload")


@behaviour()
def slow_reader_gets_everything(case):
    """A reader that sleeps through 6 MB of QoS 1 messages has every one of them when it wakes."""
    broker = Secure(case, extra="mqtt.max_inflight = 200")
    slow = broker.dial(case, receive_buffer=65536).open(props={"receive_maximum": 200})
    slow.subscribe("s", qos=1)
    mouth = broker.dial(case).open()
    payload = os.urandom(60_000)
    for _ in range(100):
        mouth.publish("s", payload, qos=1)
    for number in range(100):
        check(slow.receive(topic="s").payload == payload, f"message {number} is damaged")


@behaviour()
def reader_that_takes_nothing_is_closed(case):
    """A client that takes no byte for send_timeout is closed; the others go on."""
    broker = Secure(case, listener="tcp_options { send_timeout = 300ms, sndbuf = 4KB }")
    stuck = broker.dial(case, client_id="stuck", receive_buffer=2048).open()
    stuck.subscribe("s")
    mouth = broker.client("mouth")
    case.clients.append(mouth)
    for _ in range(40):
        mouth.publish("s", b"x" * 20_000, qos=1)
    broker.said("the peer took nothing of what it was sent for 300 ms")
    check("client stuck from" in broker.log, "the line names the client")
    mouth.ping()


@behaviour()
def bytes_trickling_through_keep_a_slow_reader(case):
    """A client that takes a little now and then outlives send_timeout many times over."""
    broker = Secure(case, extra="listeners.tcp.default.tcp_options { send_timeout = 800ms, sndbuf = 16KB }")
    slow = broker.client("slow")
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    slow.subscribe("s")
    mouth = broker.client("mouth")
    case.clients.extend([slow, mouth])
    for _ in range(80):
        mouth.publish("s", b"x" * 20_000, qos=1)
    for _ in range(40):
        slow.socket.recv(16_000)
        case.context.pause(0.06)
    check("took nothing" not in broker.log, f"it was closed: {broker.tail()}")


@behaviour(versions=(4, 5))
def cut_inside_a_record_harms_nobody(case):
    """A client that is gone in the middle of a TLS record costs the others nothing, and its will is published."""
    broker = Secure(case)
    ears = broker.client("ears")
    case.clients.append(ears)
    ears.subscribe("will")
    client = broker.dial(case, version=VERSIONS[case.version], protocol=case.version, client_id="cut")
    client.open(will={"topic": "will", "payload": b"gone"})
    raw = socket.socket(fileno=os.dup(client.socket.fileno()))
    raw.sendall(b"\x17\x03\x03\x40\x00" + b"half a record")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    client.close()
    ears.receive(b"gone", topic="will")
    broker.dial(case).open().ping()


@behaviour()
def handshake_that_never_ends_is_closed(case):
    """Half a ClientHello, or none, is closed after handshake_timeout."""
    broker = Secure(case, "handshake_timeout = 200ms\n")
    for start in (b"", b"\x16\x03\x01\x02\x00\x01\x00"):
        stranger = Client(broker.tls_address)
        case.clients.append(stranger)
        stranger.send(start)
        stranger.expect_end()
    broker.said("the TLS handshake was not finished within 200 ms")


@behaviour()
def damaged_records_close_the_connection(case):
    """A record that does not decrypt ends its connection with an alert, and only that one."""
    broker = Secure(case)
    client = broker.dial(case, client_id="damaged").open()
    raw = socket.socket(fileno=os.dup(client.socket.fileno()))
    raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
    client.expect_end()
    raw.close()
    broker.said("the TLS connection failed")
    broker.dial(case).open().ping()


# ---- Which protocol ----

@behaviour()
def plain_client_on_a_tls_port(case):
    """Plain MQTT on a TLS port is closed; one warning names listener, peer and remedy, however many come."""
    broker = Secure(case, extra="node.event_loops = 1\nlog.console.level = warning")
    for _ in range(20):
        client = Client(broker.tls_address)
        case.clients.append(client)
        client.send(mqtt.connect(5, "x"))
        client.expect_end()
    lines = [line for line in broker.log.splitlines() if "speaks plain text to a TLS listener" in line]
    equal(len(lines), 1, "warnings")
    check(re.search(r"listener ssl:default: 127\.0\.0\.1:\d+ .*\(listeners\.ssl\.default\).* TLS", lines[0]), lines[0])


@behaviour()
def tls_client_on_a_plain_port(case):
    """TLS on a plain port is closed; one warning names listener, peer and the key to set, however many come."""
    broker = Secure(case, extra="node.event_loops = 1\nlog.console.level = warning")
    for _ in range(20):
        try:
            TLSClient(broker.address, 5)
            raise TestFailure("the handshake went through")
        except (ssl.SSLError, ConnectionError):
            pass
    lines = [line for line in broker.log.splitlines() if "speaks TLS to a listener without TLS" in line]
    equal(len(lines), 1, "warnings")
    check(re.search(r"127\.0\.0\.1:\d+ on tcp:default: .*listeners\.ssl", lines[0]), lines[0])


# ---- Certificates of clients ----

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


# ---- Names of the server ----

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


# ---- Reload ----

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
    check("locked.key cannot be used" in wrong.log and "a-guess" not in wrong.log, wrong.log)


# ---- Configuration ----

def problem(case, options, certificate="server", listener="", extra=""):
    broker = Secure(case, options, listener=listener, certificate=certificate, extra=extra, start=False)
    return isthmus("check", "--config", broker.conf_path, status=1).said


@behaviour()
def what_is_missing_is_named(case):
    """A TLS listener without certificate, key or authorities is refused with file, line and key."""
    place = r"isthmus\.conf:\d+:\d+: listeners\.ssl\.default\.ssl_options\."
    for options, certificate, key in (
            ("", None, "certfile"), ('certfile = "{certs}/server.pem"', None, "keyfile"),
            ("verify = verify_peer", "server", "cacertfile"), ("fail_if_no_peer_cert = true", "server",
                                                               "fail_if_no_peer_cert"),
            ("enable_crl_check = true", "server", "enable_crl_check"),
            (MUTUAL + "enable_crl_check = true", "server", "crlfile")):
        said = problem(case, options, certificate)
        check(re.search(place + key, said), f"{key} is not named: {said}")
    check("rubbish.pem" in problem(case, 'cacertfile = "{certs}/rubbish.pem", verify = verify_peer'), "the file")


@behaviour()
def emqx_keys_are_known(case):
    """EMQX's other keys of a TLS listener are accepted; what this broker does not serve and would change who gets in
    is refused."""
    broker = Secure(case, """
        client_renegotiation = true, reuse_sessions = true, secure_renegotiate = true, hibernate_after = 5s, depth = 3
        gc_after_handshake = false, honor_cipher_order = true, log_level = notice
        ocsp { enable_ocsp_stapling = false, refresh_interval = 5m, refresh_http_timeout = 15s }
    """, listener="""
        acceptors = 8, max_connections = 100, zone = default, enable = true
        tcp_options { active_n = 10, buffer = 4KB, nodelay = true, reuseaddr = true, recbuf = 8KB, sndbuf = 8KB
                      backlog = 128, keepalive = "60,10,3", high_watermark = 512KB, nolinger = false }
    """)
    broker.dial(case).open().ping()
    check("listeners.ssl.default.authentication is not served" in problem(case, "", listener="authentication = []"),
          "an authentication chain of its own is refused")
    check("keepalive" in problem(case, "", listener='tcp_options.keepalive = "1,2"'), "half a keepalive is refused")
