"""`python -m tests.install.wheels`: does every package of the image have a wheel for each
architecture?

Downloads the wheels of requirements.txt for amd64 and arm64, by the hashes of the lock, into a
temporary folder. Ends with status 1 if one is missing.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from luotdoc_subscriber.base.command import Command

ROOT = Path(__file__).parents[2]
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
GLIBC = ("manylinux2014", "manylinux_2_28", "manylinux_2_34")
"""What Debian 12, with glibc 2.36, can run."""


def download(machine: str, folder: str) -> subprocess.CompletedProcess[str]:
    """Run pip's download for a machine such as `aarch64`."""
    line = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    line += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--python-version=3.11"]
    line += ["--implementation=cp", "--abi=cp311", "--abi=abi3", "--abi=none", f"--dest={folder}"]
    line += [f"--platform={glibc}_{machine}" for glibc in GLIBC]
    line += [f"--requirement={ROOT / 'requirements.txt'}"]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def main() -> int:
    """Look for the wheels of each architecture; the exit status."""
    Command(prog="python -m tests.install.wheels", description=__doc__).parse_args()
    status = 0
    for architecture, machine in MACHINES.items():
        with tempfile.TemporaryDirectory() as folder:
            done = download(machine, folder)
            wheels = [path.name for path in Path(folder).iterdir()]
        built = sum(machine in name for name in wheels)
        if done.returncode:
            print(f"{architecture}: {done.stderr[-2000:]}", file=sys.stderr)
            status = 1
        else:
            print(f"{architecture}: {len(wheels)} wheels, {built} of them for {machine} alone")
    return status


if __name__ == "__main__":
    sys.exit(main())
