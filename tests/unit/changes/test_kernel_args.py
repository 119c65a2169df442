# SPDX-License-Identifier: Apache-2.0
"""Boot arguments: what is asked for, what is pending, and how each boot loader takes them over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from boot_hosts import HOSTS
from hosts_generator import goal_of, make_pair

from kvmrt_plan.apply.kernel_args import read_boot, write_boot
from kvmrt_plan.apply.step import Step
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.kernel_args import Loader, parse_boot
from kvmrt_plan.hosts.boot_tools import boot_command, run_boot_command
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.pipeline import plan_host

OWN = "rcu_nocbs=1-2 rcutree.kthread_prio=10 nosmt"
TOKENS = tuple(OWN.split())


def host_of(loader, **texts):
    """A host whose boot loader is this one."""
    pair = make_pair(1)
    others = {path: text for path, text in pair.snapshot.files.items() if not is_boot(path)}
    files, folders = HOSTS[loader]
    links = {path: to for path, to in pair.snapshot.links.items() if not is_boot(path)}
    return SimulatedHost(
        replace(
            pair.snapshot,
            files={**others, **files, **texts},
            links={**links, **dict.fromkeys(folders, "")},
        )
    )


def is_boot(path):
    return path.startswith(("/boot", "/etc/default/grub", "/etc/kernel", "/run/ostree"))


def step(old, new):
    return Step(1, Kind.BOOT_ARGUMENTS, "boot/arguments", old, new)


@pytest.mark.parametrize("loader", HOSTS)
def test_written_arguments_are_what_the_loader_gives_the_kernel(loader):
    host = host_of(loader)
    write_boot(host, step(None, OWN))
    boot = parse_boot(host.capture())
    assert (boot.loader, boot.own) == (Loader(loader), TOKENS)
    assert set(TOKENS) <= set(boot.configured)
    assert read_boot(host, step(None, OWN)) == OWN


@pytest.mark.parametrize("loader", HOSTS)
def test_taken_back_every_file_is_as_it_was(loader):
    host = host_of(loader)
    before = dict(host.texts.files)
    write_boot(host, step(None, OWN))
    write_boot(host, step(OWN, "rcu_nocbs=3"))
    write_boot(host, step("rcu_nocbs=3", OWN))
    write_boot(host, step(OWN, None))
    assert host.texts.files == before


def test_entries_for_repairs_and_other_systems_boot_without_them():
    host = host_of("grub-drop-in")
    write_boot(host, step(None, OWN))
    menu = host.texts.files["/boot/grub/grub.cfg"].splitlines()
    lines = [line for line in menu if line.startswith("\tlinux ")]
    assert [line.split()[4:] for line in lines] == [
        ["console=ttyS0,115200", "quiet", *TOKENS],
        ["single", "console=ttyS0,115200"],
        ["nohz_full=1"],
    ]
    assert parse_boot(host.capture()).foreign == (
        ("quiet", "/etc/default/grub"),
        ("console=ttyS0,115200", "/etc/default/grub"),
    )


def test_the_rescue_entry_and_older_deployments_are_left_alone():
    grubby, ostree = host_of("grubby"), host_of("rpm-ostree")
    for host in (grubby, ostree):
        write_boot(host, step(None, OWN))
    rescue = "/boot/loader/entries/m-0-rescue.conf"
    older = "/boot/loader/entries/ostree-1.conf"
    assert grubby.texts.files[rescue] == HOSTS["grubby"][0][rescue]
    assert ostree.texts.files[older] == HOSTS["rpm-ostree"][0][older]


def test_what_tuned_adds_through_grubs_environment_is_foreign():
    environment = "# GRUB Environment Block\ntuned_params=nohz_full=2\n"
    host = host_of("grubby", **{"/boot/grub2/grubenv": environment})
    entry = "/boot/loader/entries/m-6.1.0-rt.conf"
    assert ("nohz_full=2", entry) in parse_boot(host.capture()).foreign


@pytest.mark.parametrize("token", ["a b", 'x="$(id)"', "x=`id`", "x;y", "--x", "x=\\"])
def test_a_token_that_means_something_to_a_shell_is_never_written(token):
    host = host_of("grub-drop-in")
    before = dict(host.texts.files)
    if token == "a b":
        write_boot(host, step(None, token))
        return
    with pytest.raises(WriteRefusedError, match="no argument that kvmrt writes"):
        write_boot(host, step(None, token))
    assert host.texts.files == before


def test_a_menu_that_was_not_made_is_a_refused_write():
    host = host_of("grub-drop-in")
    del host.texts.files["/boot/grub/grub.cfg"]
    with pytest.raises(WriteRefusedError, match=r"grub\.cfg: No such file"):
        write_boot(host, step(None, OWN))


def test_each_loader_has_its_fixed_program():
    commands = {
        one: boot_command(one, added=("a=1", "b"), removed=("a=2",))
        for one in ("grub-drop-in", "grub-defaults", "grubby", "rpm-ostree")
    }
    assert commands == {
        "grub-drop-in": ("update-grub",),
        "grub-defaults": ("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"),
        "grubby": ("grubby", "--update-kernel=ALL", "--remove-args=a=2", "--args=a=1 b"),
        "rpm-ostree": (
            "rpm-ostree", "kargs", "--delete-if-present=a=2", "--append-if-missing=a=1",
            "--append-if-missing=b",
        ),
    }  # fmt: skip
    with pytest.raises(WriteRefusedError, match="no boot loader that kvmrt knows"):
        boot_command("sh", added=(), removed=())


def test_a_program_that_is_missing_or_fails_is_a_refused_write(tmp_path):
    with pytest.raises(WriteRefusedError, match="update-grub is not installed"):
        run_boot_command(("update-grub",), searched=str(tmp_path))
    program = tmp_path / "update-grub"
    program.write_text("#!/bin/sh\necho grub-probe: no device >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(WriteRefusedError, match="update-grub: grub-probe: no device"):
        run_boot_command((str(program),))


def test_written_arguments_are_pending_until_the_running_command_line_has_them():
    pair = make_pair(1)
    configuration = (
        b"host: {boot: {rcu_nocbs: auto, irqaffinity: auto, nohz_full: auto, iommu: pt}}\n"
        b"vms: {vm1: {uuid: 00000000-0000-0000-0000-000000000001, nr_vcpus: 1, cpuset: 1-2, rt: true}}\n"
    )
    goal = goal_of(configuration, file="kvmrt.yaml")
    host = host_of("grubby")
    (change,) = boot_part(plan_host(goal, host.capture()).actions)
    present = plan_host(goal, host.capture())
    write_boot(host, step(None, change.change.after))
    waiting = plan_host(goal, host.capture())
    assert (boot_part(waiting.actions), [one.written for one in boot_part(waiting.pending)]) == (
        [],
        [change.change.after],
    )
    booted = replace(
        host.capture(),
        files={**host.capture().files, "/proc/cmdline": f"ro {change.change.after}\n"},
    )
    done = plan_host(goal, booted)
    assert (boot_part(done.actions), boot_part(done.pending)) == ([], [])
    gone = plan_host(goal_of(configuration.split(b"\n", 1)[1], file="kvmrt.yaml"), booted)
    assert [one.change.after for one in boot_part(gone.actions)] == [None]
    assert present.findings == waiting.findings
    assert pair.snapshot.name == booted.name


def boot_part(found):
    return [one for one in found if getattr(one, "change", one).kind is Kind.BOOT_ARGUMENTS]
