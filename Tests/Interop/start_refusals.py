# SPDX-License-Identifier: Apache-2.0
# What would leave a broker open, or half configured, stops its start: the log says what and where.
import re

from Support.broker import BINARY, Isthmus, config, quoted, scratch
from Support.suite import behaviour, check
from Support.tools import isthmus


def refused(case, text, *patterns, files=None):
    """The start with the config text(broker) ends by itself, and the log matches every pattern. {folder} stands for
    the broker's folder, where `files` are written."""
    broker = Isthmus("refused", "")
    case.finally_(broker.kill)
    for name, content in (files or {}).items():
        (broker.folder / name).write_text(content)
    broker.write(text(broker).replace("{folder}", str(broker.folder)))
    check(broker.launch().wait() != 0, "the broker ended with status 0")
    for pattern in patterns:
        check(re.search(pattern.replace("{folder}", re.escape(str(broker.folder))), broker.log, re.I | re.S),
              f"nothing like {pattern!r} in:\n{broker.log}")


def with_acl(broker):
    return config(broker.port, plugins=["FileACL"],
                  extra='authorization { no_match = allow, sources = [{ type = file, path = "{folder}/acl.conf" }] }\n')


def with_users(broker, file="users.csv", algorithm="name = sha256, salt_position = suffix"):
    return config(broker.port, plugins=["PasswordAuth"], extra=(
        "authentication = [{ mechanism = password_based, backend = built_in_database, "
        f"password_hash_algorithm {{ {algorithm} }}, bootstrap_type = hash, "
        f"bootstrap_file = {quoted('{folder}/' + file)} }}]\n"))


@behaviour()
def authentication_without_its_plugin(case):
    """A config with `authentication` but without PasswordAuth in `plugins` is refused by that plugin's name."""
    refused(case, lambda b: config(b.port, extra="authentication = [{ mechanism = password_based, "
                                                 "backend = built_in_database }]\n"), "authentication", "PasswordAuth")


@behaviour()
def authorization_without_its_plugin(case):
    """A config with `authorization` but without FileACL in `plugins` is refused by that plugin's name."""
    refused(case, lambda b: config(b.port, extra="authorization { no_match = deny }\n"), "authorization", "FileACL")


@behaviour()
def links_without_their_plugin(case):
    """A config with `cluster.links` but without ClusterLink in `plugins` is refused by that plugin's name."""
    refused(case, lambda b: config(b.port, cluster="here", links=[
        '{ name = there, server = "127.0.0.1:1", topics = ["#"] }']), "cluster", "ClusterLink")


@behaviour()
def plugin_that_is_not_there(case):
    """An access control plugin that cannot be found stops the start, with the name that was probably meant."""
    refused(case, lambda b: config(b.port, plugins=["FilACL"]), "FilACL", "did you mean libFileACL.so")


@behaviour()
def acl_file_with_a_mistake(case):
    """An ACL file that does not parse stops the start with file:line:column."""
    refused(case, with_acl, r"{folder}/acl.conf:2:\d+",
            files={"acl.conf": '{allow, all, subscribe, ["a"]}.\n{deny, all, subscribe, ["b"]}}.\n{allow, all}.\n'})


@behaviour()
def acl_file_with_an_unknown_word(case):
    """An ACL rule with an unknown word stops the start with its place."""
    refused(case, with_acl, r"{folder}/acl.conf:1:\d+", "publsh",
            files={"acl.conf": '{allow, all, publsh, ["a"]}.\n'})


@behaviour()
def acl_file_that_is_missing(case):
    """An ACL file that is not there stops the start and is named."""
    refused(case, with_acl, r"{folder}/acl.conf")


@behaviour()
def user_file_that_is_missing(case):
    """A user file that is not there stops the start and is named."""
    refused(case, with_users, r"{folder}/users.csv")


@behaviour()
def user_file_with_a_mistake(case):
    """A user file with a broken row stops the start with file:line."""
    refused(case, with_users, r"{folder}/users.csv:3",
            files={"users.csv": "user_id,password_hash,salt,is_superuser\nann,00,s,false\nbob\n"})


@behaviour()
def user_file_without_its_header(case):
    """A user file without the columns it needs stops the start and names one."""
    refused(case, with_users, r"{folder}/users.csv", "user_id", files={"users.csv": "name,secret\nann,x\n"})


@behaviour()
def hash_algorithm_that_is_unknown(case):
    """An unknown password hash algorithm stops the start with its place."""
    refused(case, lambda b: with_users(b, algorithm="name = rot13"), r"isthmus\.conf:\d+:\d+", "rot13",
            files={"users.csv": "user_id,password_hash,salt,is_superuser\n"})


def link_check(*links, patterns):
    """isthmus check refuses a config with these links."""
    path = scratch("links") / "links.conf"
    path.write_text(config(1883, plugins=["ClusterLink"], cluster="here", links=[one + "\n" for one in links]))
    done = isthmus("check", "--config", path, "--plugin-dir", BINARY.parent, status=1)
    for pattern in patterns:
        check(re.search(pattern, done.said), f"nothing like {pattern!r} in: {done.said}")


@behaviour()
def link_to_itself(case):
    """A link with the broker's own cluster name is refused."""
    link_check('{ name = here, server = "127.0.0.1:1", topics = ["#"] }', patterns=["here"])


@behaviour()
def link_named_twice(case):
    """Two links of one name are refused."""
    one = '{ name = there, server = "127.0.0.1:1", topics = [] }'
    link_check(one, one, patterns=["there"])


@behaviour()
def link_with_an_invalid_topic(case):
    """A link whose topics hold an invalid filter is refused with the filter."""
    link_check('{ name = there, server = "127.0.0.1:1", topics = ["a/#/b"] }', patterns=["a/#/b"])


@behaviour()
def link_with_redundant_topics(case):
    """A link whose topics contain each other is refused with the filter."""
    link_check('{ name = there, server = "127.0.0.1:1", topics = ["t/#", "t/1"] }', patterns=["t/1"])


@behaviour()
def link_that_asks_for_links(case):
    """A link whose topics reach into $LINK is refused."""
    link_check('{ name = there, server = "127.0.0.1:1", topics = ["$LINK/cluster/#"] }', patterns=[r"\$LINK"])


@behaviour()
def link_without_a_server(case):
    """A link without `server` is refused with its place."""
    link_check("{ name = there, topics = [] }", patterns=[r"links\.conf:\d+:\d+", "server"])


def with_link(server, ssl=""):
    entry = f'{{ name = there, server = "{server}", topics = ["#"] {ssl} }}'
    return lambda b: config(b.port, plugins=["ClusterLink"], cluster="here", links=[entry])


@behaviour()
def link_with_a_mistake(case):
    """A mistake in a link stops the start, with its place: there is no broker without the link that was asked for."""
    place = r"isthmus\.conf:\d+:\d+: cluster\.links\[0\]\."
    for server in ("h:1,,i", "h:0", "ws://h:1", ","):
        refused(case, with_link(server), place + "server", "did not start")
    for key in ("cacertfile", "certfile", "keyfile"):
        refused(case, with_link("h:1", f', ssl {{ enable = true, {key} = "{{folder}}/none.pem" }}'),
                place + rf"ssl\.{key}: the file {{folder}}/none\.pem cannot be read")


@behaviour()
def unchecked_peer_is_warned_of(case):
    """A link with TLS to another machine whose certificate is not checked is warned of; one to this machine is not."""
    for server, warns in (("b.example:8883", True), ("127.0.0.1:8883", False)):
        path = scratch("unchecked") / "isthmus.conf"
        path.write_text('cluster { name = here, links = [{ name = there, server = "%s", topics = ["#"], '
                        'ssl { enable = true } }] }\n' % server)
        said = isthmus("check", "--config", path, "--plugin-dir", BINARY.parent).said
        check(("ssl.verify: whoever answers for b.example" in said) == warns, said)
