"""The broker's certificate where the admin has none: signed by an authority of our own that only kiosks are told of.

* CertificateNotMade     the openssl program is missing or has failed
"""

import ipaddress
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

DAYS = "3650"
"""Every start makes the certificate anew. A kiosk that does not trust the authority asks the gateway for its own."""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
# A machine's own openssl.cnf may add what it likes.
CONFIGURATION = "[req]\ndistinguished_name = name\n[name]\n"


class CertificateNotMade(Exception):
    """A certificate for the broker could not be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Files in PEM."""

    cert: Path
    key: Path
    authority: Path


def make(folder: Path, name: str) -> Certificate:
    """Make a certificate for this name or address, and the authority if there is none; raises CertificateNotMade."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority, authority_key = folder / "ca.pem", folder / "ca.key"
    if not authority.exists() or not authority_key.exists():
        _request(
            authority, authority_key, "authority", "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"
        )
    made = Certificate(cert=folder / "broker.pem", key=folder / "broker.key", authority=authority)
    signed_by = ("-CA", str(authority), "-CAkey", str(authority_key))
    extensions = (
        f"subjectAltName={_kind(name)}:{name}",
        "basicConstraints=critical,CA:FALSE",
        "extendedKeyUsage=serverAuth",
    )
    _request(made.cert, made.key, "server", *extensions, more=signed_by)
    return made


def _request(cert: Path, key: Path, role: str, *extensions: str, more: tuple[str, ...] = ()) -> None:
    """Have openssl make a key and its certificate; the key is in its place before the certificate is."""
    program = shutil.which("openssl")
    if not program:
        raise CertificateNotMade("openssl is not installed: install it, or give broker_cert, broker_key and broker_ca")
    with tempfile.TemporaryDirectory(dir=cert.parent) as desk:
        new_cert, new_key, config = Path(desk, "cert"), Path(desk, "key"), Path(desk, "config")
        config.write_text(CONFIGURATION)
        files = ["-config", str(config), "-keyout", str(new_key), "-out", str(new_cert)]
        words = [program, "req", "-x509", *KEY, *files, "-days", DAYS, "-subj", f"/CN=Tandem broker {role}", *more]
        words += [word for extension in extensions for word in ("-addext", extension)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            raise CertificateNotMade(f"openssl has made no certificate: {done.stderr.strip()}")
        new_key.chmod(0o600)
        new_key.replace(key)
        new_cert.replace(cert)


def _kind(name: str) -> str:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "DNS"
    return "IP"
