"""What gcr.io/distroless/cc-debian12:nonroot holds, made of the same Debian packages.

    python3 tests/deploy/distroless.py     fetches them to .tools/distroless, where the tests do it as well
"""

import subprocess
import tempfile
from pathlib import Path

from places import TOOLS

PACKAGES = ("base-files", "netbase", "media-types", "tzdata", "ca-certificates", "libc6", "libssl3", "gcc-12-base",
            "libgcc-s1", "libgomp1", "libstdc++6")
DEBS = TOOLS / "distroless"
USER = 65532
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
}
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"
    f"nonroot:x:{USER}:{USER}:nonroot:/home/nonroot:/sbin/nologin\n",
    "etc/group": f"root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:{USER}:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


def fetch() -> list[Path]:
    """The packages as files; RuntimeError where apt cannot get them, or where they are not Debian 12's."""
    def there() -> list[Path]:
        found = [sorted(DEBS.glob(f"{package}_*.deb"))[-1:] for package in PACKAGES]
        return [deb for debs in found for deb in debs]

    if len(there()) < len(PACKAGES):
        DEBS.mkdir(parents=True, exist_ok=True)
        # apt's user has to be able to write there.
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o777)
            download = ["apt-get", "-qq", "download", *PACKAGES]
            # The list of packages may be older than what the mirror still has.
            if subprocess.run(download, cwd=folder, capture_output=True).returncode:
                _run("apt-get", "update", "-qq")
                _run(*download, cwd=folder)
            for deb in Path(folder).glob("*.deb"):
                (DEBS / deb.name).write_bytes(deb.read_bytes())
    if "deb12" not in str(next(DEBS.glob("libc6_*"))):
        raise RuntimeError(f"{DEBS} has the libc of another system than Debian 12, which the image is made of")
    return there()


def unpack(root: Path) -> None:
    """Makes the root file system of the image in an empty folder."""
    for deb in fetch():
        _run("dpkg-deb", "--extract", deb, root)
    for file, text in ACCOUNTS.items():
        (root / file).write_text(text)
    # Its post-installation script would do the same; distroless does it without.
    trusted = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    (root / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
    (root / "etc/ssl/certs/ca-certificates.crt").write_text("".join(file.read_text() for file in trusted))
    home = root / "home/nonroot"
    home.mkdir(mode=0o700, parents=True)
    (root / "tmp").chmod(0o1777)
    root.chmod(0o755)


def _run(*command: str | Path, cwd: str | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr}")


if __name__ == "__main__":
    fetch()
