# SPDX-License-Identifier: Apache-2.0
"""The plan for the inside of guests, carried out on simulated ones."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from guest_hosts import Host
from make_two_socket import two_socket

from kvmrt_plan.cli.main import main
from kvmrt_plan.facts.guest import (
    BLOCK_PATH,
    BLOCKED,
    LOAD_PATH,
    NETWORK_PATH,
    GuestFacts,
    format_guest,
    parse_guest,
)

CONF, DRIFT = "/etc/chrony/chrony.conf", "/var/lib/chrony/chrony.drift"
DEBIAN = GuestFacts(
    systems=("debian",),
    kernel="6.1.0-rt",
    initramfs="without",
    clocks={0: "KVM virtual PTP"},
    units={"chrony": ("disabled", "running")},
    files={
        CONF: "0640 0:7\npool 2.pool.example iburst\nmakestep 1 3\n",
        DRIFT: "0644 0:0\n 1.5 0.1\n",
    },
)
RED_HAT = GuestFacts(
    systems=("rocky", "rhel", "fedora"),
    initramfs="with",
    units={"chronyd": ("enabled", "stopped")},
    files={"/etc/chrony.conf": "0644 0:0\nserver a\n", NETWORK_PATH: "0644 0:0\nPEERNTP=yes\n"},
)
RIGHT = (
    "# pool 2.pool.example iburst\nmakestep 1 3\nrefclock PHC /dev/ptp0 poll 3 dpoll -2 offset 0\n"
)


class Guests:
    """A simulated host with running guests, of which the first has an agent."""

    def __init__(self, folder, facts: GuestFacts | None) -> None:
        snapshot = two_socket()
        first = next(one for one in snapshot.libvirt.domains if one.live_xml)
        text = format_guest(facts) if facts else ""
        others = (one for one in snapshot.libvirt.domains if one is not first)
        domains = (replace(first, guest=text), *others)
        snapshot = replace(snapshot, libvirt=replace(snapshot.libvirt, domains=domains))
        self.host = Host(folder, snapshot)
        self.file = folder / "guest.yaml"
        self.file.write_text(
            f"vms:\n  {first.name}: {{uuid: {first.uuid}, nr_vcpus: 2, cpuset: 1-3, rt: true,"
            " guest_clock: ptp_kvm}\n"
        )

    def run(self, *more: str) -> int:
        return main(["guest", "-f", str(self.file), "--host", str(self.host.path), *more])

    def facts(self) -> GuestFacts:
        return parse_guest(self.host.snapshot().libvirt.domains[0].guest)


def test_a_debian_guest_gets_its_files_and_a_second_run_changes_nothing(tmp_path, capsys):
    guests = Guests(tmp_path, DEBIAN)

    assert guests.run("--yes") == 0

    after = guests.facts()
    assert after == replace(
        DEBIAN,
        is_blocked=True,
        initramfs="with",
        units={"chrony": ("enabled", "stopped")},
        files={CONF: f"0640 0:7\n{RIGHT}", LOAD_PATH: "0644 0:0\nptp_kvm\n"},
    )
    assert "IN THE GUEST" in capsys.readouterr().out

    before = guests.host.snapshot()
    assert guests.run("--yes") == 0
    assert "no changes: 4 settings checked" in capsys.readouterr().out
    assert guests.host.snapshot() == before


def test_a_red_hat_guest_takes_no_time_servers_from_dhcp(tmp_path):
    guests = Guests(tmp_path, RED_HAT)

    assert guests.run("--yes") == 0

    files = guests.facts().files
    assert files[NETWORK_PATH] == "0644 0:0\n# PEERNTP=yes\nPEERNTP=no\n"
    assert files["/etc/chrony.conf"].startswith("0644 0:0\n# server a\nrefclock PHC /dev/ptp0 ")


def test_another_clock_in_the_guest_is_not_taken_for_the_hosts(tmp_path):
    guests = Guests(tmp_path, replace(DEBIAN, clocks={0: "igb"}))
    guests.run("--yes")
    assert "refclock PHC /dev/ptp_kvm poll" in guests.facts().files[CONF]


def test_a_revert_gives_the_guest_back_its_files(tmp_path):
    guests = Guests(tmp_path, DEBIAN)
    guests.run("--yes")

    assert main(["revert", "--yes", "--host", str(guests.host.path)]) == 0

    assert guests.facts() == DEBIAN


def test_a_dry_run_shows_the_plan_and_writes_nothing(tmp_path, capsys):
    guests = Guests(tmp_path, DEBIAN)

    assert guests.run("--dry-run") == 0

    assert guests.facts() == DEBIAN
    out = capsys.readouterr().out
    assert '~ rt-io  module virtio_balloon        "not blocked" -> blocked' in out
    assert "- rt-io  file /var/lib/chrony/chrony.drift" in out


def test_without_an_agent_there_is_a_warning_and_no_plan(tmp_path, capsys):
    guests = Guests(tmp_path, None)

    assert guests.run("--yes") == 0

    out = capsys.readouterr().out
    assert "warning KR241 rt-io: its inside is not known" in out
    assert "QEMU guest agent is not connected" in out


def test_without_chrony_only_the_balloon_is_blocked(tmp_path, capsys):
    guests = Guests(tmp_path, replace(DEBIAN, units={}, initramfs="none"))

    assert guests.run("--yes") == 0

    assert guests.facts() == replace(DEBIAN, units={}, initramfs="none", is_blocked=True)
    out = capsys.readouterr().out
    assert "warning KR242 rt-io: chrony is not installed" in out
    assert "advice KR243 rt-io: nothing in the guest tells what its initramfs holds" in out


def test_a_vm_that_asks_for_nothing_is_an_error(tmp_path, capsys):
    guests = Guests(tmp_path, DEBIAN)
    text = guests.file.read_text().replace("rt: true, guest_clock: ptp_kvm", "rt: false")
    guests.file.write_text(text)

    assert guests.run("--yes") == 1
    assert "no VM asks for anything inside the guest" in " ".join(capsys.readouterr().err.split())


def test_hide_kvm_with_the_clock_of_kvm_is_refused(tmp_path, capsys):
    guests = Guests(tmp_path, DEBIAN)
    guests.file.write_text(guests.file.read_text().replace("rt: true", "rt: true, hide_kvm: true"))

    assert guests.run("--yes") == 1
    assert guests.facts() == DEBIAN
    assert "KR240" in capsys.readouterr().out


@pytest.fixture
def script(tmp_path, capsys):
    assert Guests(tmp_path, None).run("--script") == 0
    path = tmp_path / "guest.sh"
    path.write_text(capsys.readouterr().out)

    def run(root) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(path)],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "KVMRT_ROOT": str(root)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def files_of(root) -> dict[str, str]:
    return {
        f"/{path.relative_to(root)}": path.read_text() for path in root.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("facts", [DEBIAN, RED_HAT], ids=["debian", "red hat"])
def test_the_script_leaves_the_files_that_the_agent_leaves(tmp_path, script, facts):
    guests = Guests(tmp_path, facts)
    guests.run("--yes")
    expected = {path: value.partition("\n")[2] for path, value in guests.facts().files.items()} | {
        BLOCK_PATH: "blacklist virtio_balloon\ninstall virtio_balloon /bin/false\n"
    }
    root = tmp_path / "root"
    for path, value in facts.files.items():
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).write_text(value.partition("\n")[2])

    first = script(root)

    assert (first.returncode, files_of(root)) == (0, expected), first.stderr
    times = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    assert script(root).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == times


def test_the_script_says_that_chrony_is_missing(tmp_path, script):
    (tmp_path / "root").mkdir()
    ended = script(tmp_path / "root")
    assert ended.returncode == 1
    assert "chrony is not installed" in ended.stderr


def test_a_setting_of_the_module_is_one_of_three():
    assert replace(DEBIAN, is_blocked=True).module == "blocked, initramfs not rebuilt"
    assert replace(RED_HAT, is_blocked=True).module == BLOCKED
