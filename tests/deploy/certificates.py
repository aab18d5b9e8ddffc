"""Certificates for the tests, as Secrets: an authority and what it signed, for a day."""

import base64
import subprocess
import tempfile
from pathlib import Path


def authority_and_server(*names: str) -> tuple[bytes, bytes, bytes]:
    """The authority's certificate; the certificate and key of a server of these names."""
    with tempfile.TemporaryDirectory() as folder:
        of = Path(folder)
        _certificate(of, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt")
        alternatives = "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)
        _certificate(of, "-subj", f"/CN={names[0]}", "-addext", alternatives, "-keyout", "tls.key", "-out", "tls.crt",
                     "-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.crt", "-CAkey", "ca.key")
        return tuple((of / name).read_bytes() for name in ("ca.crt", "tls.crt", "tls.key"))


def secret(name: str, data: dict[str, bytes | str]) -> dict:
    plain = {key: value.encode() if isinstance(value, str) else value for key, value in data.items()}
    coded = {key: base64.b64encode(value).decode() for key, value in plain.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": coded}


def _certificate(folder: Path, *arguments: str) -> None:
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    done = subprocess.run([*new, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
