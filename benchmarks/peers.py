"""Peers that are measured beside GuideX: each in a virtual environment of its own, made once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PEERS = {
    "curator": ("bespokelabs-curator==0.1.31", "peer_curator.py"),
    "data-designer": ("data-designer==0.9.7", "peer_data_designer.py"),
}
"""Package and script by the contender's name."""


def peer_command(name: str, environments: Path) -> list[str]:
    """The command that drives a peer, its package installed first where that was not done yet.

    Raises:
        SystemExit: The package cannot be installed.
    """
    package, script = PEERS[name]
    environment = environments.resolve() / package.replace("==", "-")
    python = environment / "bin" / "python"
    if not (environment / "installed").exists():
        print(f"Installing {package} into {environment} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
        if subprocess.run(pip, check=False).returncode != 0:
            raise SystemExit(f"{package} cannot be installed here; leave --peers out.")
        (environment / "installed").touch()
    return [str(python), str(Path(__file__).with_name(script))]
