# SPDX-License-Identifier: Apache-2.0
# SCRAM (RFC 5802, RFC 7677) as an authentication method of PasswordAuth, by a client written here.
import base64
import hashlib
import hmac
import secrets
import signal

from Support import mqtt
from Support.broker import Isthmus, config, quoted
from Support.client import Client
from Support.suite import behaviour, check
from Support.wait import equal, until

USERS = 'user_id,password,is_superuser\nann,secret,false\nroot,toor,true\n"a,b=c",odd,false\n'
NAMES = {"sha256": "SCRAM-SHA-256", "sha512": "SCRAM-SHA-512"}


class Scram:
    """The client's side of one exchange."""

    def __init__(self, user, password, algorithm="sha256", header="n,,"):
        self.password, self.algorithm, self.header = password.encode(), algorithm, header
        escaped = user.replace("=", "=3D").replace(",", "=2C")
        self.bare = f"n={escaped},r={secrets.token_urlsafe(12)}"
        self.first = (header + self.bare).encode()

    def mac(self, key, text):
        return hmac.digest(key, text, self.algorithm)

    def final(self, challenge):
        """The last message; `verifier` is what the server has to answer."""
        fields = dict(part.split("=", 1) for part in challenge.decode().split(","))
        check(fields["r"].startswith(self.bare.split(",r=")[1]), "the server's nonce begins with the client's")
        self.salt, self.rounds = base64.b64decode(fields["s"]), int(fields["i"])
        salted = hashlib.pbkdf2_hmac(self.algorithm, self.password, self.salt, self.rounds)
        key = self.mac(salted, b"Client Key")
        without = f"c={base64.b64encode(self.header.encode()).decode()},r={fields['r']}"
        message = f"{self.bare},{challenge.decode()},{without}".encode()
        signature = self.mac(hashlib.new(self.algorithm, key).digest(), message)
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature)))
        self.verifier = b"v=" + base64.b64encode(self.mac(self.mac(salted, b"Server Key"), message))
        return without.encode() + b",p=" + proof


def entry(path, more=""):
    return ("{ mechanism = scram, backend = built_in_database, "
            f"bootstrap_file = {quoted(path)} {more} }}")


def scram(case, more="", entries=()):
    broker = Isthmus("scram", "")
    case.finally_(broker.kill)
    (broker.folder / "scram.csv").write_text(USERS)
    every = [entry(broker.folder / "scram.csv", more), *(one(broker.folder) for one in entries)]
    broker.write(config(broker.port, plugins=["PasswordAuth"], extra=f"authentication = [{', '.join(every)}]\n"))
    return broker.start()


def begin(case, broker, exchange, client_id, **options):
    client = Client(broker.address, 5, client_id)
    case.finally_(client.close)
    props = {"auth_method": NAMES[exchange.algorithm], "auth_data": exchange.first}
    client.send(mqtt.connect(5, client_id, props=props, **options))
    return client


def prove(client, exchange):
    challenge = client.take(mqtt.AUTH, reason=0x18).properties["auth_data"]
    client.send(mqtt.auth(0x18, NAMES[exchange.algorithm], exchange.final(challenge)))


def login(case, broker, exchange, client_id="c", **options):
    """A connected client; the server has proved that it knows the user, too."""
    client = begin(case, broker, exchange, client_id, **options)
    prove(client, exchange)
    client.connack = client.expect(mqtt.CONNACK, reason=0)
    equal(client.connack.properties["auth_data"], exchange.verifier, "the server's signature")
    return client


def refused(case, broker, exchange, client_id="no"):
    client = begin(case, broker, exchange, client_id)
    prove(client, exchange)
    client.expect_end(reasons=[0x87])


@behaviour()
def users_get_in_by_sha256(case):
    """A user of the file who knows the password gets in by SCRAM-SHA-256, and nobody else."""
    broker = scram(case)
    exchange = Scram("ann", "secret")
    login(case, broker, exchange).ping()
    equal(exchange.rounds, 4096, "iteration count")
    login(case, broker, Scram("a,b=c", "odd", header="y,,"), "odd").ping()
    refused(case, broker, Scram("ann", "wrong"))
    refused(case, broker, Scram("eve", "secret"))


@behaviour()
def users_get_in_by_sha512(case):
    """With algorithm = sha512 the method is SCRAM-SHA-512, and the other one is not served."""
    broker = scram(case, ", algorithm = sha512, iteration_count = 5000")
    exchange = Scram("ann", "secret", "sha512")
    login(case, broker, exchange).ping()
    equal(exchange.rounds, 5000, "iteration count")
    refused(case, broker, Scram("ann", "wrong", "sha512"))
    begin(case, broker, Scram("ann", "secret"), "other").expect_end(reasons=[0x8C])


@behaviour()
def nobody_else_gets_in(case):
    """With SCRAM alone clients without a method are refused, of whatever version and with whatever password."""
    broker = scram(case)
    for version in (3, 4, 5):
        client = Client(broker.address, version, "plain")
        case.finally_(client.close)
        client.send(mqtt.connect(version, "plain", username="ann", password=b"secret"))
        client.expect(mqtt.CONNACK, reason=0x86 if version == 5 else 4)
        client.expect_end()


@behaviour()
def malformed_messages(case):
    """Whatever is no SCRAM message is refused, and the broker lives."""
    broker = scram(case)
    for data in (b"", b"n,,", b"p=tls-unique,,n=ann,r=x", b"n,,n=a=XXb,r=x", b"\xff" * 300, b"n,,n=ann,r=" + b"x" * 60000):
        client = Client(broker.address, 5, "bad")
        case.finally_(client.close)
        client.send(mqtt.connect(5, "bad", props={"auth_method": "SCRAM-SHA-256", "auth_data": data}))
        client.expect_end(reasons=[0x87])
    for data in (b"", b"c=biws", b"c=biws,r=x,p=AAAA", b"\xff" * 300):
        client = begin(case, broker, Scram("ann", "secret"), "bad")
        client.take(mqtt.AUTH)
        client.send(mqtt.auth(0x18, "SCRAM-SHA-256", data))
        client.expect_end(reasons=[0x87])
    login(case, broker, Scram("ann", "secret")).ping()


@behaviour()
def the_proved_name_counts(case):
    """Rules are about the user who was proved, not the user name in the CONNECT; superusers skip them."""
    acl = '{allow, {username, "ann"}, all, ["of-ann"]}.\n{deny, all}.\n'
    broker = Isthmus("scram", "")
    case.finally_(broker.kill)
    (broker.folder / "scram.csv").write_text(USERS)
    (broker.folder / "acl.conf").write_text(acl)
    broker.write(config(broker.port, plugins=["PasswordAuth", "FileACL"], extra=(
        f"authentication = [{entry(broker.folder / 'scram.csv')}]\n"
        f"authorization.sources = [{{ type = file, path = {quoted(broker.folder / 'acl.conf')} }}]\n")))
    broker.start()
    ann = login(case, broker, Scram("ann", "secret"), "ann", username="root")
    equal(ann.publish("of-ann", b"x", qos=1, accepted=False).reason, 0x10, "PUBACK of ann's topic")
    denied = ann.publish("of-root", b"x", qos=1, accepted=False)
    equal(denied.reason, 0x87, "PUBACK of another topic")
    root = login(case, broker, Scram("root", "toor"), "root")
    equal(root.publish("of-root", b"x", qos=1, accepted=False).reason, 0x10, "PUBACK of a superuser")


@behaviour()
def authentication_again(case):
    """A user proves the password again; another user cannot take over the connection that way."""
    broker = scram(case)
    client = login(case, broker, Scram("ann", "secret"))
    exchange = Scram("ann", "secret")
    client.send(mqtt.auth(0x19, "SCRAM-SHA-256", exchange.first))
    prove(client, exchange)
    equal(client.take(mqtt.AUTH, reason=0).properties["auth_data"], exchange.verifier, "the server's signature")
    client.send(mqtt.auth(0x19, "SCRAM-SHA-256", Scram("root", "toor").first))
    client.expect_end(reasons=[0x87])


@behaviour()
def beside_passwords(case):
    """SCRAM and passwords serve side by side, each with users of its own."""
    def passwords(folder):
        (folder / "plain.csv").write_text("user_id,password\nold,word\n")
        return ("{ mechanism = password_based, backend = built_in_database, "
                f"bootstrap_file = {quoted(folder / 'plain.csv')} }}")
    broker = scram(case, entries=[passwords])
    login(case, broker, Scram("ann", "secret")).ping()
    refused(case, broker, Scram("old", "word"))
    broker.client("old", version=4, username="old", password=b"word").ping()
    stranger = Client(broker.address, 4, "ann")
    case.finally_(stranger.close)
    stranger.send(mqtt.connect(4, "ann", username="ann", password=b"secret"))
    stranger.expect(mqtt.CONNACK, reason=4)


@behaviour()
def unknown_users_look_like_known_ones(case):
    """Somebody unknown gets a salt that stays the same, as a user's does, across a reload too."""
    broker = scram(case)

    def salt(user):
        exchange = Scram(user, "x")
        refused(case, broker, exchange)
        return exchange.salt
    before = {user: salt(user) for user in ("ann", "eve")}
    equal({len(one) for one in before.values()}, {16}, "bytes of a salt")
    check(before["ann"] != before["eve"], "different salts")
    (broker.folder / "scram.csv").write_text(USERS + "zoe,new,false\n")
    broker.child.send_signal(signal.SIGHUP)
    until(lambda: "4 users of SCRAM-SHA-256" in broker.log, "the users are read again")
    login(case, broker, Scram("zoe", "new"), "zoe").ping()
    equal({user: salt(user) for user in before}, before, "salts after a reload")


@behaviour()
def settings_that_cannot_be(case):
    """What SCRAM cannot do is refused at the start, with its place."""
    for more, words in ((", bootstrap_type = hash", "bootstrap_type: SCRAM"), (", algorithm = md5", "algorithm"),
                        (", user_id_type = clientid", "user_id_type: SCRAM"), (", iteration_count = 0", "iteration_count")):
        broker = Isthmus("scram", "")
        case.finally_(broker.kill)
        (broker.folder / "scram.csv").write_text(USERS)
        broker.write(config(broker.port, plugins=["PasswordAuth"], extra=(
            f"authentication = [{entry(broker.folder / 'scram.csv', more)}]\n")))
        check(broker.launch().wait() != 0, f"the broker started with {more}")
        check(words in broker.log and "isthmus.conf:" in broker.log, f"nothing of {words!r} in:\n{broker.log}")
