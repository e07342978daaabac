# SPDX-License-Identifier: Apache-2.0
# Certificates made for the run by the openssl command, and a client that speaks TLS by Python's ssl module.
import socket
import ssl
import subprocess
import threading

from .broker import scratch
from .client import Client
from .wait import PATIENCE, TestFailure

_lock, _made = threading.Lock(), []

_SCRIPT = r"""
set -e
ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90"
for a in ca other; do openssl req -x509 $ec -subj "/CN=test $a" -keyout $a.key -out $a.pem; done
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$3" -keyout $1.key -out $1.csr
  printf "$4" > $1.ext
  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days ${5:-90} -extfile $1.ext -out $1.pem
}
issue server ca "/CN=localhost" "subjectAltName=DNS:localhost,IP:127.0.0.1"
issue second ca "/CN=second" "subjectAltName=DNS:localhost,DNS:second.example,IP:127.0.0.1"
issue named ca "/CN=named" "subjectAltName=DNS:*.a.example,DNS:b.example"
issue soon ca "/CN=soon" "subjectAltName=DNS:localhost,IP:127.0.0.1" 20
issue device ca "/O=Example/CN=device 7" "extendedKeyUsage=clientAuth"
issue lost ca "/CN=lost" "extendedKeyUsage=clientAuth"
issue nameless ca "/O=Nobody" "extendedKeyUsage=clientAuth"
issue middle ca "/CN=middle" "basicConstraints=critical,CA:TRUE"
issue below middle "/CN=localhost" "subjectAltName=DNS:localhost,IP:127.0.0.1"
issue stranger other "/CN=stranger" "extendedKeyUsage=clientAuth"
openssl ec -in server.key -aes128 -passout pass:secret -out locked.key
touch index; echo 01 > crlnumber
printf "[ca]\ndefault_ca=x\n[x]\ndatabase=index\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=30\n" > ca.conf
openssl ca -config ca.conf -cert ca.pem -keyfile ca.key -gencrl -out nobody.crl
openssl ca -config ca.conf -cert ca.pem -keyfile ca.key -revoke lost.pem
openssl ca -config ca.conf -cert ca.pem -keyfile ca.key -gencrl -out lost.crl
echo rubbish > rubbish.pem
"""


def certificates():
    """A folder with the certificates of server, second, named, soon (expires in 20 days), device, lost (revoked in
    lost.crl, not in nobody.crl) and nameless, all by ca.pem, of below, by middle.pem, which is by ca.pem, and of
    stranger, by other.pem."""
    with _lock:
        if not _made:
            folder = scratch("certificates")
            done = subprocess.run(["sh", "-c", _SCRIPT], cwd=folder, capture_output=True)
            if done.returncode:
                raise TestFailure(f"openssl made no certificates: {done.stderr.decode(errors='replace')[-800:]}")
            _made.append(folder)
        return _made[0]


def context(certificate=None, version=None, authority="ca"):
    """For a client that trusts `authority`; version "1.2" or "1.3" only."""
    made = ssl.create_default_context(cafile=certificates() / f"{authority}.pem")
    if certificate:
        made.load_cert_chain(certificates() / f"{certificate}.pem", certificates() / f"{certificate}.key")
    if version:
        made.minimum_version = made.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
    return made


class _Stream:
    """A TLS socket whose failures look like those of a plain one."""

    def __init__(self, wrapped):
        self.wrapped = wrapped

    def __getattr__(self, name):
        return getattr(self.wrapped, name)

    def recv(self, count):
        try:
            return self.wrapped.recv(count)
        except ssl.SSLError as error:
            raise ConnectionResetError(str(error)) from None


class TLSClient(Client):
    """A client over TLS; `session` is one to resume."""

    def __init__(self, address, version=5, client_id="", tls=None, name="localhost", session=None, receive_buffer=None):
        super().__init__(address, version, client_id)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.tls = tls or context()
        self.socket.settimeout(PATIENCE)
        self.raw = self.socket.fileno()
        self.socket = _Stream(self.tls.wrap_socket(self.socket, server_hostname=name, session=session))
