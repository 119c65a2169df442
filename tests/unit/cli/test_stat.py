# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt stat` shows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from guest_hosts import IO, Host, quiet_host

from kvmrt_plan.cli.main import main
from kvmrt_plan.facts.document import dump_snapshot
from kvmrt_plan.facts.snapshot import RawLibvirt
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.values.cpuset import CpuSet


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path, quiet_host())


def behind_our_back(host: Host, act) -> None:
    """What somebody else does with virsh."""
    simulated = SimulatedHost(host.snapshot())
    act(simulated.domains)
    host.path.write_text(dump_snapshot(simulated.capture()), encoding="ascii")


def table(capsys) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_a_host_at_rest(host, capsys):
    assert main(["stat", *host.arguments, "--policies"]) == 0

    shown = table(capsys)
    assert shown[:5] == [
        "VM STATE RT CPUS LOCKED POLICIES",
        "rt-motion shut off yes 8-12,24-28 - -",
        "rt-io shut off yes 5-7,21-23 - -",
        "gateway shut off no 1-3 - -",
        "",
    ]
    assert shown[6] == "wanted for rt-motion, rt-io"
    assert "not held cpu 21 online, wanted offline [rt-io]" in shown
    assert shown[-1] == "nothing is held of the host"


def test_lines_fit_80_columns_and_keep_every_word(host, capsys):
    behind_our_back(host, lambda domains: domains.start(IO))
    main(["stat", *host.arguments, "--policies"])
    shown = capsys.readouterr().out

    assert max(map(len, shown.splitlines())) <= 80
    assert shown.splitlines()[2:7] == [
        "!  rt-io      running   yes  5-7,21-23   0 KiB   NOT in force: CPUs 21-23 of its",
        "                                                 cores are online; kernel work",
        "                                                 may run on CPUs 5-7,21-23; new",
        "                                                 interrupts may go to CPUs 5-7,",
        "                                                 21-23",
    ]


def test_policies_in_each_state_after_a_boot(host, capsys):
    main(["boot", *host.arguments, "rt-io"])
    simulated = SimulatedHost(host.snapshot())
    simulated.write("/proc/irq/default_smp_affinity", "ff")
    host.path.write_text(dump_snapshot(simulated.capture()), encoding="ascii")
    capsys.readouterr()

    main(["stat", "--policies", *host.arguments])
    shown = table(capsys)
    main(["stat", "--policies", "--json", *host.arguments])
    document = json.loads(capsys.readouterr().out)

    assert "held cpu 21 offline [rt-io]" in shown
    assert any(line.startswith("foreign irq default affinity 0-7, wanted ") for line in shown)
    by_address = {one["address"]: one for one in document["policies"]}
    held = by_address["cpu/21"]
    assert (held["state"], held["wanted"], held["present"], held["vms"]) == (
        "held", "offline", "offline", ["rt-io"],
    )  # fmt: skip
    assert by_address["irq/default"]["state"] == "foreign"
    assert document["errored"] is False
    assert document["holders"] == ["rt-motion", "rt-io"]


def test_without_libvirt_no_state_is_known_and_the_exit_code_says_so(tmp_path, capsys):
    silent = RawLibvirt(uri="qemu:///system", problem="Failed to connect socket")
    host = Host(tmp_path, replace(quiet_host(), libvirt=silent))

    assert main(["stat", *host.arguments]) == 1

    shown = table(capsys)
    assert shown[1] == "rt-motion not known yes 8-12,24-28 - -"
    assert shown[-1] == "libvirt: Failed to connect socket"


def test_a_vm_that_was_booted_with_its_threads(host, capsys):
    main(["boot", *host.arguments, "rt-io"])
    capsys.readouterr()

    assert main(["stat", "-t", *host.arguments, "rt-io"]) == 0

    assert table(capsys) == [
        "VM STATE RT CPUS LOCKED POLICIES",
        "rt-io running yes 5-7,21-23 4 GiB in force",
        "",
        "rt-io",
        "TID THREAD ROLE POLICY PRIO WANTED ACTUAL CPU",
        "5000 qemu-system-x86 emulator OTHER 0 5 5 5",
        "5001 call_rcu other OTHER 0 5 5 5",
        "5002 IO mon_iothread monitor I/O OTHER 0 5 5 5",
        "5003 CPU 0/KVM vCPU 0 OTHER 0 6 6 6",
        "5004 CPU 1/KVM vCPU 1 OTHER 0 7 7 7",
        "5500 kvm-pit/5000 timer OTHER 0 5 5 0",
    ]


def test_a_thread_that_somebody_moved_is_marked(host, capsys):
    main(["boot", *host.arguments, "rt-io"])
    behind_our_back(host, lambda domains: domains.pin(IO, "vcpupin 1", CpuSet((6,))))
    capsys.readouterr()

    main(["stat", "-t", *host.arguments, "rt-io"])

    marked = [line for line in table(capsys) if line.startswith("!")]
    assert marked == [
        "! rt-io running yes 5-7,21-23 4 GiB in force",
        "! 5004 CPU 1/KVM vCPU 1 OTHER 0 7 6 7",
    ]


def test_a_vm_started_behind_our_back_is_marked_and_a_plan_says_so(host, capsys):
    behind_our_back(host, lambda domains: domains.start(IO))

    main(["stat", *host.arguments])
    stat = table(capsys)
    main(["plan", *host.arguments])

    assert [line for line in stat if line.startswith("! rt-io running yes")]
    assert "NOT in force: CPUs 21-23 of its cores are online" in " ".join(stat)
    assert "warning KR134 rt-io: runs without its policies" in capsys.readouterr().out


def test_what_is_held_of_the_host_has_its_old_value(host, capsys):
    main(["boot", *host.arguments, "rt-io"])
    capsys.readouterr()

    main(["stat", "--policies", *host.arguments])

    assert "cpu/21 online offline" in table(capsys)


def test_json_holds_all_of_it(host, capsys):
    main(["boot", *host.arguments, "rt-io"])
    capsys.readouterr()

    main(["stat", "--json", *host.arguments, "rt-io"])

    document = json.loads(capsys.readouterr().out)
    (vm,) = document["vms"]
    assert (vm["name"], vm["state"], vm["holds_policies"]) == ("rt-io", "running", True)
    assert vm["threads"][4] == {
        "tid": 5004,
        "name": "CPU 1/KVM",
        "role": "vCPU 1",
        "policy": "SCHED_OTHER",
        "priority": 0,
        "wanted_policy": None,
        "wanted_priority": None,
        "wanted": "7",
        "affinity": "7",
        "outside": False,
        "last_cpu": 7,
        "deviates": False,
    }
    assert {"address": "cpu/21", "before": "online", "now": "offline"} in document["held"]


def test_a_thread_that_ends_while_it_is_read_is_left_out(host, capsys):
    main(["boot", *host.arguments, "rt-io"])
    simulated = SimulatedHost(host.snapshot())
    simulated.texts.change(files={"/proc/5000/task/5001/status": None})
    host.path.write_text(dump_snapshot(simulated.capture()), encoding="ascii")
    capsys.readouterr()

    assert main(["stat", "-t", *host.arguments, "rt-io"]) == 0
    assert not [line for line in table(capsys) if "call_rcu" in line]


def test_names_of_threads_are_never_printed_raw(host, capsys):
    main(["boot", *host.arguments, "rt-io"])
    path = "/proc/5000/task/5001/stat"
    simulated = SimulatedHost(host.snapshot())
    text = simulated.texts.files[path].replace("call_rcu", "\x1b[2J")
    simulated.texts.change(files={path: text})
    host.path.write_text(dump_snapshot(simulated.capture()), encoding="ascii")
    capsys.readouterr()

    main(["stat", "-t", *host.arguments, "rt-io"])

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[2J" in out


def test_watching_goes_on_until_ctrl_c_which_is_no_failure(host, repository):
    process = subprocess.Popen(
        [sys.executable, "-m", "kvmrt_plan", "stat", *host.arguments, "--watch", "0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )
    seen = 0
    deadline = time.monotonic() + 60
    while seen < 2 and time.monotonic() < deadline:
        seen += process.stdout.readline().startswith("   VM ")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert (seen, process.returncode, errors) == (2, 0, "")
