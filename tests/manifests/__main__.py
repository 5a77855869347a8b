"""`python -m tests.manifests`: Kubernetes manifests, Dockerfile and compose file by the field's
linters.

kubernetes-validate checks the built-in kinds of each combination, strictly, for the oldest and the
newest Kubernetes that we support. checkov and hadolint look for bad habits; `exceptions.yaml` says
why we have those that we have. `docker compose config` reads the compose file with each profile,
and the bill of materials must have every package of the lock.
Ends with status 1 and the findings, if there are any. Takes about a minute of CPU.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from luotdoc_subscriber.base.command import Command
from tests.containers.compose import PROFILES, compose_program, write_settings
from tests.support.manifests import COMBINATIONS, build
from tests.support.system import ROOT

LINTERS = ROOT / ".venv/linters/bin"
VERSIONS = ("1.31", "1.37")
CUSTOM = (".x-k8s.io", "gateway.", "monitoring.coreos.com", "keda.sh", "rabbitmq.com",
          "mongodbcommunity.mongodb.com", "external-secrets.io")  # fmt: skip
EXCEPTIONS: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(
    (Path(__file__).parent / "exceptions.yaml").read_text()
)


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The output of one of the linters."""
    line = [LINTERS / program, *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT)


def write(folder: Path) -> None:
    """Each distinct object once, as `<number>.yaml`; custom kinds with `custom-` before it."""
    seen: dict[str, dict[str, Any]] = {}
    for name in COMBINATIONS:
        for item in build(name):
            seen.setdefault(json.dumps(item, sort_keys=True), item)
    for number, item in enumerate(seen.values()):
        custom = "custom-" if item["apiVersion"].startswith(CUSTOM) else ""
        (folder / f"{custom}{number:03}.yaml").write_text(yaml.safe_dump(item))


def schema_faults(folder: Path) -> list[str]:
    """What kubernetes-validate says, strictly."""
    found = []
    files = sorted(path for path in folder.glob("*.yaml") if not path.name.startswith("custom-"))
    for version in VERSIONS:
        done = run("kubernetes-validate", "--strict", "--kubernetes-version", version, *files)
        passed = (done.stdout + done.stderr).count("INFO")
        print(f"kubernetes-validate --strict {version}: {passed} of {len(files)} objects pass")
        if done.returncode or passed != len(files):
            found.append(done.stdout + done.stderr)
    return found


def habits(folder: Path) -> list[str]:
    """What checkov says and exceptions.yaml does not explain; and explanations of nothing."""
    done = run(
        "checkov", "--framework", "kubernetes", "--compact", "--quiet", "--skip-download",
        "--output", "json", "--directory", folder,
    )  # fmt: skip
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return [f"checkov gave no report: {done.stdout}{done.stderr}"]
    failed = report["results"]["failed_checks"]
    print(f"checkov: {report['summary']['passed']} checks pass, {len(failed)} fail")
    return judged("checkov", [(f["check_id"], f["resource"]) for f in failed])


def image_habits() -> list[str]:
    """What hadolint says about the Dockerfile and exceptions.yaml does not explain."""
    done = run("hadolint", "--no-fail", "--format", "json", "Dockerfile")
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return [f"hadolint gave no report: {done.stdout}{done.stderr}"]
    print(f"hadolint: {len(report)} remarks, explained or not")
    return judged("hadolint", [(f["code"], f"line {f['line']}: {f['message']}") for f in report])


def compose_faults(folder: Path) -> list[str]:
    """What the compose program says about docker-compose.yml alone and with each profile."""
    shutil.copy(ROOT / ".env.example", folder)
    write_settings(folder)
    line = [compose_program(), "--env-file", str(folder / ".env")]
    found = []
    for profile in ("none", *PROFILES):
        done = subprocess.run(
            [*line, "--profile", profile, "config", "--quiet"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or done.stderr:
            found.append(f"docker compose config with the profile {profile}: {done.stderr}")
    print(f"docker compose config: {1 + len(PROFILES) - len(found)} of {1 + len(PROFILES)} pass")
    return found


def bill_faults(folder: Path) -> list[str]:
    """What the image's bill of materials lacks of requirements.txt."""
    path = folder / "bill.json"
    done = run("cyclonedx-py", "requirements", "--outfile", path, "requirements.txt")
    if done.returncode:
        return [f"cyclonedx-py: {done.stderr}"]
    listed = {
        f"{each['name']}=={each['version']}": each
        for each in json.loads(path.read_text())["components"]
    }
    locked = re.findall(r"^(\S+==\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    hashed = [name for name in locked if "hashes" in json.dumps(listed.get(name, {}))]
    print(f"bill of materials: {len(hashed)} of {len(locked)} packages, with hashes")
    return [f"bill of materials: no {name}" for name in locked if name not in hashed]


def judged(linter: str, findings: list[tuple[str, str]]) -> list[str]:
    """The findings without a reason, and the reasons without a finding. A finding is a code, and
    the object or line that it is about.
    """
    explained = EXCEPTIONS[linter]
    wrong = [
        f"{linter} {code}: {about}"
        for code, about in findings
        if code not in explained or not re.fullmatch(explained[code]["objects"], about)
    ]
    unused = explained.keys() - {code for code, _ in findings}
    return wrong + [f"{linter} {code}: explained, and never found" for code in sorted(unused)]


def main() -> None:
    """Run all of them; status 1 if anything is left."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        found = [*schema_faults(folder), *habits(folder), *image_habits()]
    with tempfile.TemporaryDirectory() as name:
        found += [*compose_faults(Path(name)), *bill_faults(Path(name))]
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"{len(COMBINATIONS)} combinations, {len(found)} faults")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    Command(prog="python -m tests.manifests", description=__doc__).parse_args()
    main()
