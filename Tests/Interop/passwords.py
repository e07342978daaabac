# SPDX-License-Identifier: Apache-2.0
# PasswordAuth: users from CSV and JSON files, every hash, and who is let in.
import hashlib
import json

from Support import mqtt
from Support.broker import Isthmus, config, quoted
from Support.client import Client
from Support.suite import behaviour, check
from Support.wait import equal, until

BCRYPT = "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"  # of "secret"


def digest(name, password, salt, position):
    text = {"prefix": salt + password, "suffix": password + salt, "disable": password}[position]
    return hashlib.new(name, text.encode()).hexdigest()


def users(case, algorithm, rows=None, file="users.csv", content=None, kind="hash", more=""):
    """A broker with PasswordAuth and one user file; rows are (user, hash, salt, superuser)."""
    broker = Isthmus("users", "")
    case.finally_(broker.kill)
    if content is None:
        content = "user_id,password_hash,salt,is_superuser\n" + "".join(",".join(r) + "\n" for r in rows)
    (broker.folder / file).write_text(content)
    broker.write(config(broker.port, plugins=["PasswordAuth"], extra=(
        "authentication = [{ mechanism = password_based, backend = built_in_database, "
        f"password_hash_algorithm {{ {algorithm} }}, bootstrap_type = {kind}, "
        f"bootstrap_file = {quoted(broker.folder / file)} {more} }}]\n")))
    return broker.start()


def answer(broker, username, password, version=5, client_id=""):
    client = Client(broker.address, version, client_id)
    client.send(mqtt.connect(version, client_id, username=username, password=password))
    reason = client.expect(mqtt.CONNACK).reason
    if reason:
        client.expect_end()
    client.close()
    return reason


def lets_in(broker, user="ann", password=b"secret"):
    equal(answer(broker, user, password), 0, f"the right password of {user}")
    equal(answer(broker, user, password, version=4), 0, f"the right password of {user}, MQTT 3.1.1")
    refused = answer(broker, user, b"wrong")
    check(refused in (0x86, 0x87), f"a wrong password: 0x{refused:02X}")
    check(answer(broker, user, b"wrong", version=4) in (4, 5), "a wrong password, MQTT 3.1.1")
    check(answer(broker, user, b"") in (0x86, 0x87), "an empty password")
    equal(answer(broker, "nobody", password), refused, "an unknown user is answered as one with a wrong password")
    check(answer(broker, None, None) in (0x86, 0x87), "no user name")


def digest_case(name, position):
    def passwords(case):
        salt = "" if position == "disable" else "salz"
        row = ("ann", digest(name.replace("sha", "sha1") if name == "sha" else name, "secret", salt, position), salt,
               "false")
        lets_in(users(case, f"name = {name}, salt_position = {position}", [row]))
    passwords.__name__ = f"{name}_with_salt_{position}"
    passwords.__doc__ = f"Passwords hashed by {name} with salt position {position} let their users in, and no others."
    behaviour()(passwords)


for algorithm_name, salt_position in (("sha256", "suffix"), ("sha256", "prefix"), ("sha256", "disable"),
                                      ("sha512", "suffix"), ("sha", "prefix"), ("md5", "suffix")):
    digest_case(algorithm_name, salt_position)


@behaviour("MQTT-3.1.4-2", "MQTT-4.13.2-1")
def pbkdf2(case):
    """Passwords hashed by PBKDF2 let their users in, and no others."""
    for digest_name, rounds in (("sha256", 4096), ("sha512", 1000)):
        derived = hashlib.pbkdf2_hmac(digest_name, b"secret", b"salz", rounds).hex()
        lets_in(users(case, f"name = pbkdf2, mac_fun = {digest_name}, iterations = {rounds}",
                      [("ann", derived, "salz", "false")]))


@behaviour()
def bcrypt(case):
    """Passwords hashed by bcrypt let their users in, and no others."""
    lets_in(users(case, "name = bcrypt", [("ann", BCRYPT, "", "false")]))


@behaviour()
def plain_bootstrap_file(case):
    """A user file with plain passwords is hashed at the start."""
    lets_in(users(case, "name = sha256, salt_position = suffix", kind="plain",
                  content="user_id,password,is_superuser\nann,secret,false\n"))


@behaviour()
def json_user_file(case):
    """A user file may be JSON."""
    rows = [{"user_id": "ann", "password_hash": digest("sha256", "secret", "s", "suffix"), "salt": "s",
             "is_superuser": False}]
    lets_in(users(case, "name = sha256, salt_position = suffix", file="users.json", content=json.dumps(rows)))


@behaviour()
def client_identifier_as_user(case):
    """With user_id_type = clientid the client identifier is looked up."""
    broker = users(case, "name = sha256, salt_position = disable", more=", user_id_type = clientid",
                   rows=[("device-7", digest("sha256", "secret", "", "disable"), "", "false")])
    equal(answer(broker, "whoever", b"secret", client_id="device-7"), 0, "CONNACK reason code")
    check(answer(broker, "device-7", b"secret", client_id="device-8") in (0x86, 0x87), "another client identifier")


@behaviour()
def slow_hashes_do_not_stop_the_others(case):
    """Clients that are connected are served while passwords with an expensive hash are checked."""
    derived = hashlib.pbkdf2_hmac("sha512", b"secret", b"s", 300_000).hex()
    broker = users(case, "name = pbkdf2, mac_fun = sha512, iterations = 300000", [("ann", derived, "s", "false")])
    served = broker.client("served", username="ann", password=b"secret")
    waiting = []
    for number in range(8):
        client = Client(broker.address, 5, f"slow{number}")
        case.finally_(client.close)
        client.send(mqtt.connect(5, client.client_id, username="ann", password=b"secret"))
        waiting.append(client)
    for _ in range(20):
        served.ping()
    for client in waiting:
        client.expect(mqtt.CONNACK, reason=0)


@behaviour()
def client_that_leaves_while_its_password_is_checked(case):
    """Clients that close during the check of their password do no harm."""
    derived = hashlib.pbkdf2_hmac("sha512", b"secret", b"s", 100_000).hex()
    broker = users(case, "name = pbkdf2, mac_fun = sha512, iterations = 100000", [("ann", derived, "s", "false")])
    for number in range(10):
        client = Client(broker.address, 5, f"gone{number}")
        client.send(mqtt.connect(5, client.client_id, username="ann", password=b"secret"))
        client.close()
    # Hashes that have begun keep their places until they are done: till then it is answered that the server is busy.
    until(lambda: answer(broker, "ann", b"secret") == 0, "the user is let in")
