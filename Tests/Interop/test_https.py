"""HTTPS by default: what the daemon's own authority vouches for, what TLS it speaks, and how certificates change without anybody noticing."""

import json
import os
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import SLOWNESS
from network import LAN_ADDRESS, LOOPBACK
from websockets.sync.client import connect

TIMEOUT = 20 * SLOWNESS
HTTPS = {"web.https": "true", "web.https_port": 0}


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(HTTPS)


def fetch(url, **options):
    return urllib.request.urlopen(url, timeout=TIMEOUT, **options)


def authority(daemon, tmp_path):
    """The authority's certificate, fetched as a person does: over plain HTTP, from another machine."""
    file = tmp_path / "authority.pem"
    file.write_bytes(fetch(daemon.url(LAN_ADDRESS, "certificate/authority.pem")).read())
    return file


def s_client(daemon, *arguments, host=LAN_ADDRESS):
    """What `openssl s_client` says of the daemon, and whether it was content."""
    command = ["openssl", "s_client", "-connect", f"{host}:{daemon.secure_port}", "-verify_return_error", *map(str, arguments)]
    result = subprocess.run(command, input="", capture_output=True, text=True, timeout=TIMEOUT)
    return result.returncode == 0, result.stdout + result.stderr


def fingerprint(daemon):
    """The certificate that is shown to who connects now."""
    with socket.create_connection((LOOPBACK, daemon.secure_port), timeout=TIMEOUT) as connection:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(connection) as secure:
            return secure.getpeercert(binary_form=True)


def test_the_chain_verifies_for_every_name_and_for_no_other(daemon, tmp_path):
    file = authority(daemon, tmp_path)
    name = socket.gethostname().split(".")[0].lower()
    for check in (["-verify_ip", LAN_ADDRESS], ["-verify_ip", LOOPBACK], *(["-verify_hostname", host] for host in ("localhost", f"{name}.local"))):
        good, text = s_client(daemon, "-CAfile", file, "-x509_strict", *check)
        assert good and "Verify return code: 0 (ok)" in text, (check, text)
    for check in (["-verify_ip", "10.77.0.2"], ["-verify_hostname", "bank.example"]):
        assert not s_client(daemon, "-CAfile", file, *check)[0]
    assert not s_client(daemon, "-CApath", "/etc/ssl/certs")[0], "nobody trusts it unasked"


def test_the_log_the_page_and_the_file_name_one_fingerprint(daemon, tmp_path):
    shown = json.load(fetch(daemon.url(LAN_ADDRESS, "certificate/status")))["fingerprint"]
    assert daemon.wait_for_log(r"fingerprint to compare there is (\S+)")[1] == shown
    text = subprocess.run(
        ["openssl", "x509", "-in", authority(daemon, tmp_path), "-noout", "-fingerprint", "-sha256"], capture_output=True, text=True, check=True
    ).stdout
    assert text.strip().split("=")[1] == shown
    with fetch(daemon.url(LAN_ADDRESS, "certificate/authority.crt")) as answer:
        assert answer.headers["Content-Type"] == "application/x-x509-ca-cert"
        assert ssl.DER_cert_to_PEM_cert(answer.read()).strip() == (tmp_path / "authority.pem").read_text().strip()


@pytest.mark.parametrize(("options", "accepted"), [
    (["-tls1"], None),
    (["-tls1_1"], None),
    (["-tls1_2"], "TLSv1.2"),
    (["-tls1_3"], "TLSv1.3"),
    # without forward secrecy, without authenticated encryption, without either
    (["-tls1_2", "-cipher", "AES128-GCM-SHA256"], None),
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], None),
    (["-tls1_2", "-cipher", "ALL:!ECDHE"], None),
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "TLSv1.2"),
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], "TLSv1.2"),
])  # fmt: skip
def test_old_versions_and_weak_ciphers_are_refused(daemon, tmp_path, options, accepted):
    security = ["-cipher", "DEFAULT:@SECLEVEL=0"] if "-cipher" not in options else []
    good, text = s_client(daemon, "-CAfile", authority(daemon, tmp_path), *options, *security)
    assert good == (accepted is not None), text
    if accepted:
        assert f"New, {accepted}, Cipher is" in text


def test_http_1_1_is_what_is_spoken_whatever_is_offered(daemon, tmp_path):
    assert "ALPN protocol: http/1.1" in s_client(daemon, "-CAfile", authority(daemon, tmp_path), "-alpn", "h2,http/1.1")[1]


def test_everything_is_served_over_tls(daemon, tmp_path):
    context = ssl.create_default_context(cafile=authority(daemon, tmp_path))
    local = daemon.url()

    def get(path):
        with fetch(f"https://{LAN_ADDRESS}:{daemon.secure_port}/{path}", context=context) as answer:
            assert answer.headers["Strict-Transport-Security"] is None, "who has not installed the authority would be locked out"
            return answer.read()

    paths = ["", "app.js", "session.js", "style.css", "strings.js", "certificate", "icon.svg"] * 4
    with ThreadPoolExecutor(12) as pool:
        for path, body in zip(paths, pool.map(get, paths)):
            assert body == fetch(local + path).read(), path
    assert json.loads(get("api/status"))["door"] == "Front door"
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(urllib.request.Request(f"https://localhost:{daemon.secure_port}/whep", data=b"x" * 60_000), context=context)
    assert refused.value.code in (400, 415), "a body in many records is read whole"


def test_a_large_answer_reaches_a_slow_reader_whole(start_daemon, tmp_path):
    content = os.urandom(4 << 20)
    (tmp_path / "index.html").write_text("door")
    (tmp_path / "large.bin").write_bytes(content)
    daemon = start_daemon({**HTTPS, "web.folder": tmp_path})
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    connection.settimeout(TIMEOUT)
    connection.connect((LOOPBACK, daemon.secure_port))
    with ssl.create_default_context(cafile=authority(daemon, tmp_path)).wrap_socket(connection, server_hostname="localhost") as secure:
        secure.sendall(b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = bytearray()
        while part := secure.recv(8192):
            received += part
    assert bytes(received).partition(b"\r\n\r\n")[2] == content


def test_who_comes_by_plain_http_is_redirected_or_told_how(daemon):
    # urllib follows the redirect of a GET, and then meets a certificate that it does not trust
    with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
        fetch(daemon.url(LAN_ADDRESS, "api/status"))
    page = urllib.request.Request(daemon.url(LAN_ADDRESS), headers={"Accept": "text/html"})
    assert fetch(page).url == daemon.url(LAN_ADDRESS, "certificate")
    # and at the secure port, too, as when only the "s" was forgotten
    page = urllib.request.Request(f"http://{LAN_ADDRESS}:{daemon.secure_port}/", headers={"Accept": "text/html"})
    assert fetch(page).url.endswith("/certificate")
    assert fetch(daemon.url(path="api/status")).status == 200, "on the machine itself it is as good"


def test_who_never_finishes_a_handshake_keeps_nobody_out(daemon, tmp_path):
    silent = [socket.create_connection((LOOPBACK, daemon.secure_port), timeout=TIMEOUT) for _ in range(50)]
    for number, connection in enumerate(silent):
        connection.sendall([b"", b"\x16", b"\x16\x03\x01\x40\x00", b"\x16\x03\x01\x00\x05hello", b"\x00\xff" * 40][number % 5])
    context = ssl.create_default_context(cafile=authority(daemon, tmp_path))
    assert fetch(f"https://localhost:{daemon.secure_port}/", context=context).status == 200
    for connection in silent:
        connection.close()


def own_certificate(path, name):
    """A certificate of an authority that is not the daemon's, put into place as a program that renews does."""
    new = path.with_suffix(".new")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90"]
    command += ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", new, "-out", f"{new}.certificate"]
    subprocess.run(command, check=True, capture_output=True)
    with new.open("ab") as file:
        file.write((path.parent / f"{new.name}.certificate").read_bytes())
    new.rename(path)


def test_the_owners_certificate_is_read_again_when_it_changes_and_connections_stay(start_daemon, tmp_path):
    file = tmp_path / "own.pem"
    own_certificate(file, "door.example")
    daemon = start_daemon({**HTTPS, "web.certificate": file})
    assert json.load(fetch(daemon.url(path="certificate/status")))["fingerprint"] is None, "there is nothing to install"
    first = fingerprint(daemon)
    context = ssl.create_default_context(cadata=ssl.DER_cert_to_PEM_cert(first))
    options = {"ssl": context, "server_hostname": "door.example", "compression": None, "open_timeout": TIMEOUT}
    with connect(f"wss://{LOOPBACK}:{daemon.secure_port}/ws", **options) as page:
        assert json.loads(page.recv(TIMEOUT))["type"] == "welcome"
        file.write_text("not a certificate")
        daemon.wait_for_log(r"error    certificate: .*own.pem cannot be used: there is no certificate in PEM form; what was shown before stays")
        assert fingerprint(daemon) == first
        own_certificate(file, "door.example")
        daemon.wait_for_log(r"(?s)cannot be used.*own.pem for door.example, good for (89|90) days")
        second = fingerprint(daemon)
        assert second != first
        # the page that was open has noticed nothing
        page.send(json.dumps({"type": "call-initiate", "recipient": "door"}))
        while (message := json.loads(page.recv(TIMEOUT)))["type"] != "call-accepted":
            assert message["type"] != "call-error", message
        daemon.ring()
        while json.loads(page.recv(TIMEOUT))["type"] != "call-incoming":
            pass


def test_a_new_address_is_vouched_for_at_once(daemon, tmp_path):
    file = authority(daemon, tmp_path)
    subprocess.run(["ip", "addr", "add", "10.79.0.1/24", "dev", "house0"], check=True)
    try:
        daemon.wait_for_log(r"certificate: made for .*10\.79\.0\.1")
        good, text = s_client(daemon, "-CAfile", file, "-verify_ip", "10.79.0.1", host="10.79.0.1")
        assert good, text
    finally:
        subprocess.run(["ip", "addr", "del", "10.79.0.1/24", "dev", "house0"], check=True)
