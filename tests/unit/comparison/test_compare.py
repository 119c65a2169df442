# SPDX-License-Identifier: Apache-2.0
"""What differs between two snapshots is named as people name it, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kvmrt_plan.cli.main import main
from kvmrt_plan.comparison.compare import compare_facts
from kvmrt_plan.facts.document import dump_snapshot, load_snapshot
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.redaction.redact import redact

IRQ = "/proc/irq/29/smp_affinity_list"


@pytest.fixture(scope="module")
def snapshot(repository):
    text = (repository / "examples" / "two-socket.json").read_bytes()
    return load_snapshot(text, file="two-socket.json")


def shown(before, after):
    """Each difference as one line."""
    return [
        f"{one.table}: {' '.join((one.subject, *one.place))}: {one.before} -> {one.after}"
        for one in compare_facts(gather_facts(before), gather_facts(after))
    ]


def with_files(snapshot, **files):
    return replace(snapshot, files={**snapshot.files, **files})


def test_a_host_does_not_differ_from_itself(snapshot):
    assert shown(snapshot, snapshot) == []


def test_an_interrupt_is_called_by_its_action_and_its_cpus_are_a_set(snapshot):
    after = with_files(snapshot, **{IRQ: "6-8\n"})
    (found,) = compare_facts(gather_facts(snapshot), gather_facts(after))

    assert shown(snapshot, after) == ["interrupts: eth0-TxRx-3 affinity: 6 -> 6-8"]
    assert (str(found.gained), str(found.lost)) == ("7-8", "")


def test_boot_arguments_differ_one_by_one(snapshot):
    line = "BOOT_IMAGE=/vmlinuz-6.1.0-28-rt-amd64 isolcpus=4-7 root=/dev/mapper/vg0-root ro\n"

    assert shown(snapshot, with_files(snapshot, **{"/proc/cmdline": line})) == [
        "boot arguments: isolcpus: None -> 4-7",
        "boot arguments: quiet: set -> None",
    ]


def test_a_domain_differs_by_element_and_attribute(snapshot):
    domains = tuple(
        replace(
            one,
            autostart=True,
            xml=one.xml.replace("<vcpupin vcpu='1' cpuset='3'/>", "<vcpupin vcpu='1' cpuset='4'/>")
            .replace("    <emulatorpin cpuset='1'/>\n", "")
            .replace("<on_crash>destroy", "<on_crash>restart"),
        )
        if one.name == "gateway"
        else one
        for one in snapshot.libvirt.domains
    )
    after = replace(snapshot, libvirt=replace(snapshot.libvirt, domains=domains))
    uuid = "6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c03"

    assert shown(snapshot, after) == [
        f"domains: {uuid} autostart: no -> yes",
        f"domains: {uuid} definition cputune/emulatorpin: cpuset 1 -> None",
        f"domains: {uuid} definition cputune/vcpupin 1 cpuset: 3 -> 4",
        f"domains: {uuid} definition on_crash : destroy -> restart",
    ]


def test_a_domain_that_is_gone_is_one_difference(snapshot):
    uuid = "6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c04"
    domains = tuple(one for one in snapshot.libvirt.domains if one.name != "hmi")
    after = replace(snapshot, libvirt=replace(snapshot.libvirt, domains=domains))

    assert shown(snapshot, after) == [
        f"domains: {uuid}: name hmi, state shut off, autostart no -> None"
    ]


def test_two_redacted_snapshots_differ_where_the_originals_do(snapshot):
    after = with_files(snapshot, **{IRQ: "6-8\n", "/proc/sys/vm/stat_interval": "10\n"})

    assert shown(redact(snapshot), redact(after)) == shown(snapshot, after) != []


def test_the_command_renders_for_people(snapshot, tmp_path, capsys):
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    before.write_text(dump_snapshot(snapshot))
    changed = with_files(
        snapshot,
        **{IRQ: "6-8\n", "/proc/sys/vm/stat_interval": "10\n", "/proc/cmdline": "ro quiet\n"},
    )
    after.write_text(dump_snapshot(changed))

    assert main(["diff", str(before), str(after), "--exit-code"]) == 2
    assert capsys.readouterr().out == (
        "BOOT ARGUMENTS\n"
        "  - BOOT_IMAGE  /vmlinuz-6.1.0-28-rt-amd64\n"
        "  - root  /dev/mapper/vg0-root\n"
        "INTERRUPTS\n"
        "  ~ eth0-TxRx-3 affinity  6 -> 6-8 (+7-8)\n"
        "SETTINGS\n"
        "  ~ sysctl/vm.stat_interval  1 -> 10\n"
        "4 differences\n"
    )
    assert main(["diff", str(before), str(before), "--exit-code"]) == 0
    assert capsys.readouterr().out == "no difference\n"
    assert main(["diff", str(before), str(after), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["differences"][2] == {
        "table": "interrupts", "subject": "eth0-TxRx-3", "place": ["affinity"],
        "before": "6", "after": "6-8", "gained": "7-8", "lost": "",
    }  # fmt: skip


def test_the_command_names_a_file_that_is_no_snapshot(tmp_path, capsys):
    file = tmp_path / "a.json"
    file.write_text("{}")

    assert main(["diff", str(file), str(file)]) == 1
    assert '"format" is missing' in capsys.readouterr().err


def test_a_snapshot_is_redacted_on_its_way_into_a_file(repository, tmp_path, capsys):
    out = tmp_path / "shared.json"
    example = str(repository / "examples" / "two-socket.json")

    assert main(["snapshot", "--host", example, "--redact", "--name", "rt7", "-o", str(out)]) == 0
    assert "redacted: 2 boot-arguments" in capsys.readouterr().out
    left = load_snapshot(out.read_text(), file="x")
    assert (left.name, "52:54:00" in out.read_text()) == ("rt7", False)
    assert main(["diff", example, str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"only {out} is redacted: values differ by that\n")
