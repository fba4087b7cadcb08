"""Finds real server programs for the end-to-end tests: on the PATH, in the project's cache, or in a Debian package.

``python tests/tools/debian.py prometheus`` prints the path of a Prometheus that is recent enough. A program that is not
installed is downloaded with the machine's own package manager and unpacked (never installed) below
``.cache/debian/<package>``: no root, no change to the machine. Where packages come from is read from the machine's own
apt sources; only the name of the suite is exchanged, because a stable suite may be years behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "debian"
SUITE = "forky"
COMMAND_SECONDS = 300


class Unavailable(Exception):
    """The program is not here and cannot be fetched; the message says what to install."""


class Tool(NamedTuple):
    """``packages`` are tried in order: newer suites ship promtool apart from prometheus."""

    packages: tuple[str, ...]
    least_version: tuple[int, ...]


TOOLS = {
    "prometheus": Tool(("prometheus",), (2, 42)),
    "promtool": Tool(("promtool", "prometheus"), (2, 42)),
    "alertmanager": Tool(("prometheus-alertmanager",), (0, 25)),
    "amtool": Tool(("prometheus-alertmanager",), (0, 25)),
}
# Debian renames programs whose upstream name is too general.
ALIASES: dict[str, tuple[str, ...]] = {"alertmanager": ("prometheus-alertmanager",)}


def version(binary: Path) -> tuple[int, ...]:
    """The version that ``binary --version`` reports, ``()`` when it does not run or reports none."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.search(r"version (\d+(?:\.\d+)+)", done.stdout + done.stderr)
    return tuple(map(int, found[1].split("."))) if found else ()


def locate(name: str) -> Path:
    """The path of a working ``name`` (a key of ``TOOLS``); raises ``Unavailable`` when there is no way to get one."""
    tool = TOOLS[name]
    for candidate in (name, *ALIASES.get(name, ())):
        on_path = shutil.which(candidate)
        if on_path and version(Path(on_path)) >= tool.least_version:
            return Path(on_path)
    found = _unpacked(name)
    if found is None:
        with _locked():
            found = _unpacked(name) or _fetch(name)  # another process may have fetched it while this one waited
    return found


def _unpacked(name: str) -> Path | None:
    tool = TOOLS[name]
    for package in tool.packages:
        for candidate in (name, *ALIASES.get(name, ())):
            binary = CACHE / package / "usr" / "bin" / candidate
            if binary.exists() and version(binary) >= tool.least_version:
                return binary
    return None


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch(name: str) -> Path:
    needed = ".".join(map(str, TOOLS[name].least_version))
    advice = f"install {name} {needed} or newer and put it on the PATH"
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise Unavailable(f"this machine has no apt-get and dpkg to fetch {name} with: {advice}")
    troubles = []
    for suite in (SUITE, None):
        sources = derived_sources(suite)
        if not sources:
            troubles.append("no apt source of the machine's own distribution")
            continue
        with tempfile.TemporaryDirectory(prefix="apt-", dir=CACHE) as scratch:
            apt = _private_apt(Path(scratch), sources)
            if trouble := _run([*apt, "update"], scratch):
                troubles.append(trouble)
                continue
            for package in TOOLS[name].packages:
                trouble = _run([*apt, "download", package], scratch) or _unpack(Path(scratch), package)
                if trouble:
                    troubles.append(trouble)
                elif binary := _unpacked(name):
                    return binary
    raise Unavailable(f"could not fetch {name}: {advice}\n" + "\n".join(troubles))


def derived_sources(suite: str | None, etc: Path = Path("/etc")) -> str:
    """The machine's own package sources in deb822 form, reduced to its distribution's base suite.

    The suite is replaced by ``suite`` unless that is ``None``. Sources of other vendors and side suites (updates,
    security) are left out, because they have no suite of the other name. Empty when there is none.
    """
    codename = _codename(etc / "os-release")
    stanzas = []
    for path in [etc / "apt" / "sources.list", *sorted((etc / "apt" / "sources.list.d").glob("*"))]:
        if path.suffix == ".sources":
            stanzas.extend(re.split(r"\n\s*\n", path.read_text()))
        elif path.suffix == ".list" and path.exists():
            stanzas.extend(filter(None, map(_modern, path.read_text().splitlines())))
    kept = []
    for stanza in stanzas:
        lines = [line for line in stanza.splitlines() if line.strip() and not line.startswith("#")]
        suites = next((line.partition(":")[2].split() for line in lines if line.lower().startswith("suites:")), [])
        disabled = any(re.match(r"(?i)enabled:\s*(no|false|0)\b", line) for line in lines)
        if codename and codename in suites and not disabled:
            chosen = f"Suites: {suite or codename}"
            kept.append("\n".join(chosen if line.lower().startswith("suites:") else line for line in lines))
    return "\n\n".join(kept) + "\n" if kept else ""


def _codename(release: Path) -> str:
    try:
        found = re.search(r'^VERSION_CODENAME="?([\w-]+)', release.read_text(), re.MULTILINE)
    except OSError:
        return ""
    return found[1] if found else ""


def _modern(line: str) -> str:
    """One line of the old ``sources.list`` form as a deb822 stanza, ``""`` for anything that is not a binary source."""
    found = re.match(r"deb\s+(?:\[([^]]*)]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line)
    if not found:
        return ""
    options, uri, suite, components = found.groups()
    stanza = ["Types: deb", f"URIs: {uri}", f"Suites: {suite}", f"Components: {components.strip()}"]
    names = {"signed-by": "Signed-By", "trusted": "Trusted", "arch": "Architectures"}
    for option in (options or "").split():
        key, _, value = option.partition("=")
        if key in names:
            stanza.append(f"{names[key]}: {value.replace(',', ' ')}")
    return "\n".join(stanza)


def _private_apt(scratch: Path, sources: str) -> list[str]:
    """An apt-get command line that reads and writes only below ``scratch`` but trusts the machine's own keys."""
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (scratch / folder).mkdir(parents=True)
    listing = scratch / "derived.sources"
    listing.write_text(sources)
    options = {
        "Dir::State": scratch / "state",
        "Dir::Cache": scratch / "cache",
        "Dir::Etc::SourceList": listing,
        "Dir::Etc::SourceParts": "/dev/null",
        "APT::Sandbox::User": "",  # the helper user of a root apt may not enter our folder
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        # Desktop catalogues and such: tens of megabytes that nobody needs here.
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
    }
    return ["apt-get", "-qq", *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]


def _unpack(scratch: Path, package: str) -> str:
    archives = sorted(scratch.glob(f"{package}_*.deb"))
    if not archives:
        return f"apt-get downloaded no archive of {package}"
    staging = scratch / f"unpacked-{package}"
    if trouble := _run(["dpkg", "-x", str(archives[-1]), str(staging)], scratch):
        return trouble
    target = CACHE / package
    if target.exists():
        shutil.rmtree(target)
    staging.rename(target)
    return ""


def _run(command: list[str], folder: str | Path) -> str:
    """Runs a command in ``folder``; returns ``""`` or one line saying how it failed."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"
    if done.returncode == 0:
        return ""
    said = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
    return f"{command[0]} {command[-1]} failed ({done.returncode}): {said[-1]}"


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in TOOLS]
    if unknown or not names:
        print(f"usage: debian.py NAME...  (NAME is one of {', '.join(TOOLS)})", file=sys.stderr)
        return 2
    try:
        for name in names:
            print(locate(name))
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
