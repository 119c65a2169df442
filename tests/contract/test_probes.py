# SPDX-License-Identifier: Apache-2.0
"""Probes on this machine: what passes before an apply has to pass after it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time

import pytest

from kvmrt_plan.apply.probes import ProbeReport, run_after, run_before
from kvmrt_plan.desired.model import Probe
from kvmrt_plan.errors import HostError
from kvmrt_plan.hosts.probes import LocalProber, require_trusted

PROBER = LocalProber()

#: kvmrt on a tree that looks like a host: a probe and the journal are real, /proc and /sys are not.
ON_A_TREE = """
import sys
from kvmrt_plan.cli.main import main
from kvmrt_plan.hosts import live, site

root, uri = sys.argv[1], "test:///default"

class TreeHost(live.LiveHost):
    def __init__(self, **named):
        super().__init__(uri=uri, root=root, name="tree")

live.LiveHost = TreeHost
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def listener():
    """A port of this machine that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server):
    return f"127.0.0.1:{server.getsockname()[1]}"


def test_a_command_passes_with_exit_status_0():
    assert PROBER.failure(Probe(command=("true",))) == ""
    assert PROBER.failure(Probe(command=("sh", "-c", "exit 3"))) == "exit status 3"
    assert PROBER.failure(Probe(command=("sh", "-c", "kill -9 $$"))) == "ended by signal 9"
    assert PROBER.failure(Probe(command=("no-such-program",))) == (
        "no-such-program: No such file or directory"
    )


def test_a_command_sees_no_shell(tmp_path):
    marker = tmp_path / "made"
    assert PROBER.failure(Probe(command=("true", f"; touch {marker}"))) == ""
    assert not marker.exists()


def test_a_command_that_hangs_is_killed_with_all_it_started(tmp_path):
    pids = tmp_path / "pids"
    script = f"sleep 60 & echo $! $$ > {pids}; wait"
    begin = time.monotonic()

    cause = PROBER.failure(Probe(command=("sh", "-c", script), timeout=1))

    assert cause == "no answer in 1 s"
    assert time.monotonic() - begin < 10
    for pid in pids.read_text().split():
        assert is_gone(pid)


def is_gone(pid):
    """Whether the process has ended; its parent may not have noticed yet."""
    for _ in range(50):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


def test_an_address_passes_while_it_takes_connections(listener):
    probe = Probe(tcp=port_of(listener), timeout=1)
    assert PROBER.failure(probe) == ""

    listener.close()

    assert PROBER.failure(probe) == "Connection refused"


def test_a_host_passes_that_answers_an_echo_request():
    if shutil.which("ping") is None:
        pytest.skip("ping is not installed")
    asked = subprocess.run(["ping", "-c1", "-w1", "127.0.0.1"], capture_output=True, check=False)
    if asked.returncode != 0:
        pytest.skip("ping may not be used here")
    assert PROBER.failure(Probe(ping="127.0.0.1", timeout=1)) == ""
    # A network for documentation, RFC 5737: nobody answers.
    assert PROBER.failure(Probe(ping="192.0.2.1", timeout=1)) == "no answer in 1 s"


def test_a_probe_that_fails_beforehand_does_not_count(tmp_path):
    there = Probe(name="there", command=("test", "-e", str(tmp_path / "x")))
    always = Probe(command=("true",))
    absent = Probe(command=("false",))
    (tmp_path / "x").touch()

    counted, report = run_before(PROBER, (there, always, absent))
    (tmp_path / "x").unlink()

    assert counted == (there, always)
    assert report == ProbeReport(
        labels=("there", "true", "false"),
        passing=("there", "true"),
        failing=(("false", "exit status 1"),),
    )
    assert run_after(PROBER, counted) == ("probe there passed before and fails now: exit status 1",)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@needs_root
@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda file: os.chown(file, 1, 0), "belongs to somebody else"),
        (lambda file: file.chmod(0o664), "may be written by others"),
        (lambda file: file.parent.chmod(0o777), "may be written by others"),
        (lambda file: os.chown(file.parent, 1, 0), "belongs to somebody else"),
    ],
    ids=["owner", "mode", "mode of the folder", "owner of the folder"],
)
def test_root_runs_commands_only_from_a_file_that_only_root_can_have_written(
    tmp_path, spoil, problem
):
    (tmp_path / "etc").mkdir(mode=0o755)
    file = tmp_path / "etc" / "kvmrt.yaml"
    file.touch(mode=0o644)
    require_trusted(str(file))

    spoil(file)

    with pytest.raises(HostError, match=problem):
        require_trusted(str(file))


@needs_root
def test_a_link_to_a_trusted_file_is_no_better_than_its_own_folder(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "file").touch(mode=0o644)
    link = tmp_path / "open" / "link"
    link.symlink_to(tmp_path / "file")
    require_trusted(str(link))

    (tmp_path / "open").chmod(0o777)

    with pytest.raises(HostError, match="may be written by others"):
        require_trusted(str(link))


@pytest.fixture
def tree(repository, tmp_path):
    """A tree with one interrupt to move, and how kvmrt is run on it."""
    pytest.importorskip("libvirt")
    root = tmp_path / "root"
    files = {
        "proc/irq/default_smp_affinity": "3\n",
        "proc/irq/30/smp_affinity_list": "0-1\n",
        "proc/irq/30/effective_affinity_list": "0\n",
        "proc/irq/30/eth0": None,
        "proc/interrupts": "           CPU0       CPU1\n 30:   5   5  IO-APIC  30-edge  eth0\n",
        "proc/cmdline": "root=/dev/sda\n",
        "proc/sys/kernel/osrelease": "6.1.0\n",
        "proc/sys/kernel/random/boot_id": "8a3a1d6a-6c0b-4f43-9d6f-1f0d5a8e7a11\n",
        "sys/devices/system/cpu/present": "0-1\n",
        "sys/devices/system/cpu/online": "0-1\n",
        "sys/devices/system/cpu/possible": "0-1\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            (root / name).mkdir()
        else:
            (root / name).write_text(text)

    def run(*argv):
        where = ["--connect", "test:///default", "--state-dir", str(tmp_path / "state")]
        return subprocess.run(
            [sys.executable, "-c", ON_A_TREE, str(root), *argv, *where],
            cwd=repository,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return root, run


def configure(tmp_path, probe):
    """Move interrupt 30 to CPU 1, guarded by a probe."""
    file = tmp_path / "kvmrt.yaml"
    file.write_text(
        f'host:\n  irqs: [{{irq: 30, cpus: "1"}}]\n  probes: [{probe}]\n', encoding="utf-8"
    )
    return str(file)


def test_an_apply_is_taken_back_when_a_probe_fails_after_it(tree, tmp_path):
    root, run = tree
    affinity = root / "proc/irq/30/smp_affinity_list"
    # Passes as long as the interrupt is where it was.
    probe = f'{{name: "old place", command: [grep, -qx, 0-1, {affinity}]}}'

    ran = run("apply", "-f", configure(tmp_path, probe), "--yes")

    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert "because probe old place passed before and fails now" in " ".join(ran.stdout.split())
    assert affinity.read_text() == "0-1\n"


def test_an_apply_stays_when_its_probes_pass_or_failed_before(tree, tmp_path):
    root, run = tree
    affinity = root / "proc/irq/30/smp_affinity_list"
    probe = f'{{command: ["true"]}}, {{name: "new place", command: [grep, -qx, "1", {affinity}]}}'

    ran = run("apply", "-f", configure(tmp_path, probe), "--yes")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "not counted, fails already: new place: exit status 1" in ran.stdout
    assert affinity.read_text() == "1\n"


@needs_root
def test_an_apply_by_root_with_a_command_that_others_may_write_changes_nothing(tree, tmp_path):
    root, run = tree
    marker = tmp_path / "made"
    file = configure(tmp_path, f"{{command: [touch, {marker}]}}")
    os.chmod(file, 0o666)

    ran = run("apply", "-f", file, "--yes")

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "may be written by others" in " ".join(ran.stderr.split())
    assert not marker.exists()
    assert (root / "proc/irq/30/smp_affinity_list").read_text() == "0-1\n"


def test_probes_are_not_run_on_a_simulated_host(repository, tmp_path):
    host = tmp_path / "host.json"
    shutil.copyfile(repository / "examples" / "two-socket.json", host)
    marker = tmp_path / "made"
    file = tmp_path / "kvmrt.yaml"
    file.write_text(
        f'host:\n  irqs: [{{irq: 8, cpus: "1"}}]\n  probes: [{{command: [touch, {marker}]}}]\n'
    )

    ran = subprocess.run(
        [sys.executable, "-m", "kvmrt_plan", "apply", "-f", file, "--host", host, "--yes"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "probes are not run on a simulated host" in ran.stdout
    assert not marker.exists()
