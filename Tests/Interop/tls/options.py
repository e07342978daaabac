# SPDX-License-Identifier: Apache-2.0
# TLS options that are missing, wrong, or there for the sake of EMQX.
import re

from Interop.tls.parts import MUTUAL, Secure
from Support.suite import behaviour, check
from Support.tools import isthmus


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
    check("listeners.ssl.default.authentication is not served" in problem(case, "", listener="authentication = [{ mechanism = password_based }]"),
          "an authentication chain of its own is refused")
    check("keepalive" in problem(case, "", listener='tcp_options.keepalive = "1,2"'), "half a keepalive is refused")
