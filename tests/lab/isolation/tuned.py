# SPDX-License-Identifier: Apache-2.0
"""Debian's TuneD in the lab: unpacked from its packages there, never installed on this machine.

Its profile realtime-virtual-host is started as it comes; only GRUB's settings, which the lab does not have,
are skipped (the arguments are in /etc/tuned/bootcmdline all the same). The Python module `perf` of linux-perf
is there, without which TuneD 2.20 does not load its plugins `scheduler` and `irqbalance`, and which tells it
of new tasks.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lab.kernel import LabMissingError, cache_folder, only_one

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGES = ("tuned", "linux-perf")
#: What apt says it would install: `Inst tuned (2.20.0-1 Debian:12.15/oldstable [all])`.
_WOULD_INSTALL = re.compile(r"^Inst (\S+) \(", re.MULTILINE)
_PROFILE = """\
[main]
include=realtime-virtual-host
[bootloader]
skip_grub_config=1
"""
_LOG = Path("/var/log/tuned/lab.log")
_APPLIED = "static tuning from profile"
_SECONDS = 120


def fetch_tuned() -> Path:
    """A folder with the packages that this machine's root lacks to run TuneD.

    Raises:
        LabMissingError: there is no apt, or it has no such package.
    """
    folder = cache_folder() / "tuned"
    with only_one(cache_folder() / "tuned.lock"):
        if not folder.is_dir():
            work = folder.with_name("tuned.new")
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            wanted = _apt("-s", "--no-install-recommends", "install", *_PACKAGES, folder=work)
            names = _WOULD_INSTALL.findall(wanted)
            if names:
                _apt("download", *names, folder=work)
            work.rename(folder)
    return folder


def _apt(*words: str, folder: Path) -> str:
    command = ["apt-get", "-q", *words]
    try:
        done = subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=_SECONDS
        )
    except subprocess.CalledProcessError as error:
        raise LabMissingError(f"{' '.join(command)}: {error.stderr.strip()}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabMissingError(f"{' '.join(command)}: {error}") from error
    return done.stdout


@contextmanager
def tuned_running(packages: Path, isolated: str) -> Iterator[None]:
    """In the lab: TuneD has applied its profile for these CPUs; afterwards it has taken that back.

    Raises:
        RuntimeError: it did not say that it has.
    """
    for archive in sorted(packages.glob("*.deb")):
        # Not by `dpkg-deb -x`, which would put a folder in the place of the link /lib.
        unpack = ["tar", "-x", "--keep-directory-symlink", "-C", "/"]
        subprocess.run(unpack, input=_tar_of(archive), check=True)
    Path("/etc/tuned/realtime-virtual-host-variables.conf").write_text(
        f"isolated_cores={isolated}\nisolate_managed_irq=Y\n"
    )
    profile = Path("/etc/tuned/lab")
    profile.mkdir(exist_ok=True)
    (profile / "tuned.conf").write_text(_PROFILE)
    command = ["/usr/sbin/tuned", "--no-dbus", "--profile", "lab", f"--log={_LOG}"]
    with Path("/lab/tuned.output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _await_profile(process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=_SECONDS)
        shutil.copy(_LOG, "/lab/tuned.log")


def _tar_of(archive: Path) -> bytes:
    return subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", str(archive)], check=True, capture_output=True
    ).stdout


def _await_profile(process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        text = _LOG.read_text() if _LOG.exists() else ""
        if _APPLIED in text:
            return
        time.sleep(0.2)
    raise RuntimeError("TuneD did not apply its profile; see tuned.log and tuned.output")


def boot_arguments_of_tuned() -> str:
    """What TuneD wants the kernel to be told (`TUNED_BOOT_CMDLINE="..."`)."""
    text = Path("/etc/tuned/bootcmdline").read_text()
    found = re.search(r'^TUNED_BOOT_CMDLINE="(.*)"$', text, re.MULTILINE)
    if found is None or not found[1].strip():
        raise RuntimeError(f"TuneD has asked for no boot arguments: {text}")
    return found[1].strip()
