# SPDX-License-Identifier: Apache-2.0
"""Booting and shutting down VMs of a simulated host."""

from __future__ import annotations

import json
import re

import pytest
from guest_hosts import IO, At, Host, quiet_host

from kvmrt_plan.cli.main import main
from kvmrt_plan.errors import WriteRefusedError

OFF = "shut off"
SOME_WRITES = range(3, 200, 31)


class RefusedAt:
    """The nth write to the host is refused, once; the folders of state always work."""

    def __init__(self, number: int):
        self.left = number

    def __call__(self, what: str) -> None:
        """Count down."""
        self.left -= what.startswith("before host write")
        if self.left == 0:
            self.left = -1
            raise WriteRefusedError("here", "Input/output error")


class KilledError(BaseException):
    """What stands for SIGKILL: nothing catches it."""


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path, quiet_host())


def never(_what):
    """A boundary at which nothing happens."""


def deaf(xml: str) -> str:
    """A guest that ignores its power button."""
    return xml.replace("    <acpi/>\n", "")


def pinned_to_a_sibling(xml: str) -> str:
    """rt-io's threads on CPU 21, which goes offline under it."""
    return re.sub("emulatorpin cpuset='5'", "emulatorpin cpuset='21'", xml) if IO in xml else xml


LEFT_TO_LIBVIRT = "rt: true, pinning: libvirt}"


def test_autostart_vms_start_and_every_host_value_returns_when_they_stop(host, capsys):
    before = host.texts()

    assert main(["boot", *host.arguments]) == 0
    booted = host.running(), host.texts() == before
    assert main(["shutdown", *host.arguments]) == 0

    assert booted == ({"rt-motion", "rt-io"}, False)
    assert host.texts() == before
    assert host.running() == set()
    assert "rt-io: runs, every thread where it belongs" in capsys.readouterr().out


def test_warnings_are_shown_in_full_before_anything_starts(host, capsys):
    main(["boot", *host.arguments, "rt-io"])

    told = capsys.readouterr().err
    assert "warning KR206 irqbalance is running" in told
    assert "put IRQBALANCE_BANNED_CPULIST" in told


def test_the_vms_that_are_named_start_and_no_other(host):
    assert main(["boot", *host.arguments, "gateway", "gateway"]) == 0

    assert host.running() == {"gateway"}


def test_a_vm_that_is_not_configured_is_an_error(host, capsys):
    assert main(["boot", *host.arguments, "nosuch"]) == 1

    assert "has no VM named nosuch" in capsys.readouterr().err
    assert host.running() == set()


def test_a_vm_that_runs_is_left_alone(host, capsys):
    main(["boot", *host.arguments])
    before = host.snapshot()
    capsys.readouterr()

    assert main(["boot", *host.arguments]) == 0

    assert host.snapshot() == before
    assert "rt-io: runs already" in capsys.readouterr().out


def test_several_start_at_once(host):
    assert main(["boot", *host.arguments, "--parallel", "3"]) == 0

    assert host.running() == {"rt-motion", "rt-io"}


def test_a_dry_run_shows_the_starts_and_writes_nothing(host, capsys):
    before = host.snapshot()

    assert main(["boot", *host.arguments, "--dry-run"]) == 0

    assert "rt-io  state  " in re.sub(" +", "  ", capsys.readouterr().out)
    assert host.snapshot() == before
    assert host.state_files() == set()


def test_an_error_in_the_configuration_stops_the_boot(tmp_path):
    host = Host(tmp_path, quiet_host(), f"vms:\n  a: {{uuid: {IO}, rt: true}}\n")

    assert main(["boot", *host.arguments]) == 1
    assert host.running() == set()


def test_a_libvirt_that_does_not_answer_is_an_error(tmp_path, capsys):
    from dataclasses import replace

    from kvmrt_plan.facts.snapshot import RawLibvirt

    silent = RawLibvirt(uri="qemu:///system", problem="Failed to connect socket")
    host = Host(tmp_path, replace(quiet_host(), libvirt=silent))

    assert main(["boot", *host.arguments]) == 1
    assert "libvirt does not answer: Failed to connect socket" in capsys.readouterr().err


def test_a_vm_that_fails_holds_back_no_other_and_keeps_no_policies(tmp_path, capsys):
    configuration = (
        "vms:\n"
        "  rt-io: {uuid: 6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c02, nr_vcpus: 2, cpuset: 5-7, "
        f"{LEFT_TO_LIBVIRT}\n"
        "  rt-motion: {uuid: 6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c01, nr_vcpus: 4, cpuset: 8-12, "
        "rt: true}\n"
    )
    alone = Host(tmp_path, quiet_host(), configuration)
    main(["boot", *alone.arguments, "rt-motion"])
    wanted = alone.texts()
    (tmp_path / "both").mkdir()
    host = Host(tmp_path / "both", quiet_host(pinned_to_a_sibling), configuration)
    capsys.readouterr()

    assert main(["boot", *host.arguments]) == 1

    assert host.running() == {"rt-motion"}
    assert host.texts() == wanted
    assert "rt-io: FAILED: cannot set CPU affinity" in capsys.readouterr().out
    assert {str(one) for one in host.facts().holders} == {"6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c01"}


def test_a_guest_that_ignores_its_power_button_keeps_its_policies(tmp_path, capsys):
    host = Host(tmp_path, quiet_host(deaf))
    main(["boot", *host.arguments])
    before = host.snapshot()
    capsys.readouterr()

    assert main(["shutdown", *host.arguments, "--timeout", "0"]) == 1

    out = " ".join(capsys.readouterr().out.split())
    assert "rt-io: STILL RUNS: it has not shut down within 0 seconds; its policies stay" in out
    assert host.snapshot() == before


def test_force_cuts_its_power(tmp_path):
    host = Host(tmp_path, quiet_host(deaf))
    before = host.texts()
    main(["boot", *host.arguments])

    assert main(["shutdown", *host.arguments, "--timeout", "0", "--force"]) == 0

    assert (host.running(), host.texts()) == (set(), before)


def test_what_another_vm_needs_stays_when_one_stops(tmp_path, host):
    (tmp_path / "alone").mkdir()
    alone = Host(tmp_path / "alone", quiet_host())
    main(["boot", *alone.arguments, "rt-motion"])
    main(["boot", *host.arguments])

    assert main(["shutdown", *host.arguments, "rt-io"]) == 0

    assert host.running() == {"rt-motion"}
    assert host.texts() == alone.texts()


def test_a_vm_that_shuts_itself_down_is_released_by_the_next_shutdown(host):
    before = host.texts()
    main(["boot", *host.arguments])
    snapshot = host.snapshot()
    from kvmrt_plan.facts.document import dump_snapshot
    from kvmrt_plan.hosts.simulated.host import SimulatedHost

    simulated = SimulatedHost(snapshot)
    for uuid, domain in list(simulated.texts.domains.items()):
        if domain.live_xml:
            simulated.domains.destroy(uuid)
    host.path.write_text(dump_snapshot(simulated.capture()), encoding="ascii")

    assert main(["shutdown", *host.arguments]) == 0
    assert host.texts() == before


def test_a_shutdown_works_when_the_configuration_is_wrong_by_now(host):
    before = host.texts()
    main(["boot", *host.arguments])
    host.file.write_text(
        host.file.read_text(encoding="utf-8").replace("cpuset: 1-3", "cpuset: 7-8"),
        encoding="utf-8",
    )

    assert main(["shutdown", *host.arguments]) == 0
    assert (host.running(), host.texts()) == (set(), before)


@pytest.mark.parametrize("number", SOME_WRITES)
def test_an_interrupted_boot_leaves_running_guests_with_policies_and_no_others(host, number):
    before = host.texts()

    code = host.boot(At(number, KeyboardInterrupt()), "rt-motion", "rt-io")

    running = host.running()
    assert code in (0, 130)
    assert {"journal", "run/boot.json"} & host.state_files() == set()
    assert len(host.facts().holders) == len(running)
    if not running:
        assert host.texts() == before
    main(["shutdown", *host.arguments])
    assert host.texts() == before


@pytest.mark.parametrize("number", SOME_WRITES)
def test_recover_after_a_killed_boot_releases_what_no_guest_needs(host, number):
    before = host.texts()
    try:
        host.boot(At(number, KilledError()), "rt-motion", "rt-io")
    except KilledError:
        assert main(["recover", "--host", str(host.path)]) == 0

    assert {"journal", "run/boot.json"} & host.state_files() == set()
    assert len(host.facts().holders) == len(host.running())
    if not host.running():
        assert host.texts() == before


@pytest.mark.parametrize("number", range(1, 120, 23))
def test_an_interrupted_shutdown_leaves_no_policy_of_a_guest_that_is_off(host, number):
    before = host.texts()
    host.boot(never, "rt-motion", "rt-io")

    host.shutdown(At(number, KeyboardInterrupt()), "rt-motion", "rt-io")

    if not host.running():
        assert host.texts() == before
    assert len(host.facts().holders) == len(host.running())


@pytest.mark.parametrize("number", [2, 23, 24, 25, 26, 27, 28])
def test_whatever_is_refused_no_policy_is_left_without_its_guest(host, number, capsys):
    before = host.texts()

    code = host.boot(RefusedAt(number), "rt-motion", "rt-io")

    running = host.running()
    told = capsys.readouterr().out
    assert (code == 0) == (len(running) == 2)
    assert ("FAILED" in told) == (len(running) == 1)
    assert {"journal", "run/boot.json"} & host.state_files() == set()
    assert len(host.facts().holders) == len(running)
    if not running:
        assert (host.texts(), "nothing was started" in told) == (before, True)


def test_a_boot_as_json_is_one_stream_with_one_version_and_one_result(host, capsys):
    assert main(["boot", *host.arguments, "--json"]) == 0

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    types = [event["type"] for event in events]
    assert (types[0], types.count("version"), types.count("result")) == ("version", 1, 1)
    assert events[-1] == {
        "type": "result",
        "exit_code": 0,
        "started": ["rt-motion", "rt-io"],
        "running": [],
        "failed": {},
        "deviating": {},
    }
