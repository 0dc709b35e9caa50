"""What installing a certificate authority comes to, in the store that Chromium on Linux and Firefox have."""

from __future__ import annotations

import subprocess
from pathlib import Path


def install_authority(file: Path, store: Path) -> None:
    """Has whoever uses the store trust the authority in the file to identify websites."""
    store.mkdir(parents=True, exist_ok=True)
    for arguments in (["-N", "--empty-password"], ["-A", "-n", "door", "-t", "C,,", "-i", str(file)]):
        subprocess.run(["certutil", *arguments, "-d", f"sql:{store}"], check=True, capture_output=True)
