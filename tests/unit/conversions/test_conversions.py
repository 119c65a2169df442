# SPDX-License-Identifier: Apache-2.0
"""VMs out of flavors, manifests and inventories: what is taken over, and that all the rest is listed."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvmrt_plan.cli.main import main
from kvmrt_plan.conversions.kubevirt import convert_kubevirt
from kvmrt_plan.conversions.nova import convert_flavor
from kvmrt_plan.conversions.seapath import convert_seapath
from kvmrt_plan.desired.edit import values_to_write
from kvmrt_plan.desired.load import load_configuration

VM_UUID = "6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2cff"


def said(converted):
    """What each VM says beside its name, by name."""
    assert converted.findings == ()
    return {
        vm.name: {name: text for name, text in values_to_write(vm).items() if name != "name"}
        for vm in converted.vms
    }


def left(converted):
    """Names of what is left out, with their lines."""
    return [(one.vm, one.name.rpartition(".")[2], one.line) for one in converted.left_out]


def problems(converted):
    assert converted.vms == ()
    return [(str(one.source), one.summary) for one in converted.findings]


def flavor(**properties):
    document = {"name": "f", "vcpus": 4, "properties": properties}
    return convert_flavor(json.dumps(document, indent=1), file="f.json")


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, {}),
        ({"hw:cpu_realtime": "yes"}, {"rt": "true", "vcpu_scheduler": "fifo,1"}),
        ({"hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "0-3"},
         {"rt": "true", "vcpu_scheduler": "fifo,1"}),
        ({"hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "^0"}, {"rt": "true"}),
        ({"hw:mem_page_size": "1GB"}, {"hugepages": "1G"}),
        ({"hw:mem_page_size": "2048"}, {"hugepages": "2M"}),
        ({"hw:mem_page_size": "small"}, {}),
        ({"hw:cpu_sockets": "2"}, {"cpu_topology": "2,2,1"}),
        ({"hw:cpu_cores": "4"}, {}),
        ({"hw:hide_hypervisor_id": "true"}, {"hide_kvm": "true"}),
        ({"hw:locked_memory": "true"}, {"rt_memory": "true"}),
    ],
)  # fmt: skip
def test_properties_of_a_flavor_become_attributes(properties, expected):
    assert said(flavor(**properties)) == {"f": {"nr_vcpus": "4", **expected}}


@pytest.mark.parametrize(
    "properties",
    [
        {"hw:numa_nodes": "2"},
        {"hw:pci_numa_affinity_policy": "required"},
        {"hw:mem_page_size": "large"},
        {"hw:cpu_policy": "mixed"},
        {"hw:emulator_threads_policy": "share"},
        {"hw:cpu_thread_policy": "require"},
        {"hw:cpu_sockets": "3"},
        {"trait:CUSTOM": "required"},
        {"quota:cpu_quota": "1"},
        {"hw:not_heard_of": "1"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a_property_that_is_not_taken_over_is_listed_with_its_line(properties):
    (name,) = properties

    assert left(flavor(**properties)) == [("f", name, 5)]


def test_a_real_time_flavor_still_needs_cpus():
    (found,) = flavor(**{"hw:cpu_realtime": "yes"}).left_out

    assert (found.name, "rt needs a cpuset of 5 CPUs" in found.why) == ("cpuset", True)


@pytest.mark.parametrize(
    "text",
    [
        "name=f\nvcpus=4\n# why\nhw:cpu_realtime=yes\n",
        'name="f"\nvcpus="4"\nproperties="hw:cpu_realtime=\'yes\'"\n',
        "name: f\nvcpus: 4\nproperties:\n  hw:cpu_realtime: yes\n",
        json.dumps({"name": "f", "vcpus": 4, "properties": "hw:cpu_realtime='yes'"}),
    ],
)
def test_a_flavor_may_come_in_any_notation_of_the_client(text):
    found = convert_flavor(text, file="f")

    assert said(found) == {"f": {"nr_vcpus": "4", "rt": "true", "vcpu_scheduler": "fifo,1"}}


def test_all_mistakes_of_a_flavor_are_told_at_once_with_their_lines():
    found = flavor(**{"hw:cpu_realtime": "maybe", "hw:mem_page_size": "3GB", "hw:cpu_policy": "x"})

    assert problems(found) == [
        ("f.json:5", "properties.hw:cpu_realtime 'maybe': true or false is expected"),
        ("f.json:6", "properties.hw:mem_page_size '3GB': a page size of 2M or 1G is expected"),
        ("f.json:7", "properties.hw:cpu_policy 'x': one of dedicated, shared, mixed is expected"),
    ]
    (missing,) = problems(convert_flavor("name=f\n", file="f"))
    assert missing == ("f", "vcpus '': the number of vCPUs is expected")
    (line,) = problems(convert_flavor("vcpus=1\nnonsense\n", file="f"))
    assert line == ("f:2", "'nonsense': KEY=VALUE is expected")


MANIFEST = """\
kind: VirtualMachine
metadata: {name: rt-vm}
spec:
  runStrategy: Halted
  template:
    spec:
      hostname: x
      domain:
        cpu:
          cores: 4
          model: host-passthrough
          dedicatedCpuPlacement: true
          isolateEmulatorThread: true
          realtime: {}
          numa: {guestMappingPassthrough: {}}
        firmware: {bootloader: {efi: {}}}
        ioThreadsPolicy: shared
        memory:
          guest: 4Gi
          hugepages: {pageSize: 2Mi}
        features:
          acpi: {}
          kvm: {hidden: true}
        devices:
          autoattachMemBalloon: false
          disks: []
        resources:
          requests: {memory: 4Gi}
"""


def test_a_manifest_becomes_a_vm_and_all_the_rest_is_listed():
    found = convert_kubevirt(MANIFEST, file="vm.yaml")

    assert said(found) == {
        "rt-vm": {
            "nr_vcpus": "4", "rt": "true", "hide_kvm": "true", "autostart": "false",
            "vcpu_scheduler": "fifo,1", "hugepages": "2M", "iothreads": "1",
        }
    }  # fmt: skip
    assert sorted(left(found)) == [
        ("rt-vm", "acpi", 22), ("rt-vm", "bootloader", 16), ("rt-vm", "cpuset", None),
        ("rt-vm", "disks", 26), ("rt-vm", "guest", 19), ("rt-vm", "hostname", 7),
        ("rt-vm", "memory", 28), ("rt-vm", "model", 11), ("rt-vm", "numa", 15),
    ]  # fmt: skip


def test_kubevirt_gives_a_vm_the_uuid_that_its_own_controller_gives_it():
    # Version 5 in KubeVirt's namespace, as its CalculateLegacyUUID makes it.
    (vm,) = convert_kubevirt(MANIFEST, file="vm.yaml").vms
    with_own = MANIFEST.replace("{bootloader: {efi: {}}}", f"{{uuid: {VM_UUID}}}")
    (own,) = convert_kubevirt(with_own, file="vm.yaml").vms

    assert vm.uuid == UUID("c883c889-ae0b-5cf0-9eb7-0e7af70320c6")
    assert own.uuid == UUID(VM_UUID)


@pytest.mark.parametrize(
    ("mask", "scheduler"), [("0-3", "fifo,1"), ("0-3,^0", None), ("1", None), ("^3", None)]
)
def test_a_mask_that_leaves_vcpus_out_is_listed(mask, scheduler):
    found = convert_kubevirt(
        MANIFEST.replace("realtime: {}", f'realtime: {{mask: "{mask}"}}'), file="vm.yaml"
    )

    assert said(found)["rt-vm"].get("vcpu_scheduler") == scheduler
    assert (("rt-vm", "mask", 14) in left(found)) == (scheduler is None)


def test_several_objects_are_read_and_those_that_are_no_vm_are_listed():
    text = (
        f"kind: ConfigMap\n---\n{MANIFEST}---\nkind: List\nitems:\n- kind: VirtualMachineInstance\n"
    )
    text += "  metadata: {name: b}\n  spec: {domain: {resources: {limits: {cpu: 2}}}}\n"
    found = convert_kubevirt(text, file="all.yaml")

    assert list(said(found)) == ["rt-vm", "b"]
    assert said(found)["b"] == {"nr_vcpus": "2"}
    assert ("", "kind", 1) in left(found)


def test_mistakes_of_a_manifest_are_told_at_once_with_their_lines():
    text = MANIFEST.replace("cores: 4", "cores: four").replace("Halted", "Sometimes")
    found = convert_kubevirt(text.replace("hidden: true", "hidden: perhaps"), file="vm.yaml")

    assert [place for place, _ in problems(found)] == ["vm.yaml:4", "vm.yaml:10", "vm.yaml:23"]
    assert problems(convert_kubevirt("kind: Pod\n", file="p.yaml")) == [
        ("p.yaml", "the file describes no VM of KubeVirt")
    ]


INVENTORY = f"""\
all:
  children:
    standalone_machine:
      children:
        hypervisors:
          hosts:
            hv1: {{ansible_host: 192.0.2.1}}
      vars:
        isolcpus: "4-7"
        workqueuemask: "000f"
        secret: !vault abc
    VMs:
      vars: {{rt_priority: 3, vm_template: guest.xml.j2}}
      hosts:
        rtvm:
          vm_features: [rt, isolated, secure-boot]
          cpuset: [4, 5]
          emulatorpin: 3
          bridges: [{{name: br0}}]
        web:
          uuid: {VM_UUID}
          nb_cpu: 2
          description: "{{{{ text }}}}"
"""


def test_an_inventory_becomes_vms_and_housekeeping_cpus():
    found = convert_seapath(INVENTORY, file="inv.yaml")

    assert said(found) == {
        "rtvm": {"nr_vcpus": "2", "cpuset": "3-5", "rt": "true", "vcpu_scheduler": "fifo,3"},
        "web": {"nr_vcpus": "2"},
    }
    assert str(found.housekeeping) == "0-3"
    assert found.vms[1].uuid == UUID(VM_UUID)
    assert sorted(left(found), key=str) == sorted(
        [
            ("", "isolcpus", 9), ("", "machines", None), ("rtvm", "bridges", 19),
            ("rtvm", "vm_features", 16), ("web", "description", 23),
        ],
        key=str,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "cpuset", "names"),
    [
        ("cpuset: [5, 4]", "4-5", ["cpuset", "cpuset"]),
        ("cpuset: [4, 5], emulatorpin: 6", "4-5", ["emulatorpin", "cpuset"]),
        ("cpuset: [4, 5], emulatorpin: 2", "2,4-5", []),
    ],
)
def test_an_order_of_pins_that_a_cpuset_cannot_say_is_listed(variables, cpuset, names):
    text = f"VMs: {{hosts: {{a: {{vm_features: [rt, isolated], {variables}}}}}}}\n"
    found = convert_seapath(text, file="inv.yaml")

    assert said(found)["a"]["cpuset"] == cpuset
    assert [name for _, name, _ in left(found)] == names


def test_machines_that_differ_have_no_common_housekeeping():
    text = (
        "hypervisors:\n  hosts:\n    a: {isolcpus: 2-N}\n    b: {isolcpus: 4-N}\n"
        "VMs: {hosts: {x: {nb_cpu: 1}}}\n"
    )
    found = convert_seapath(text, file="inv.yaml")

    assert found.housekeeping is None
    assert [one.value for one in found.left_out if one.name == "housekeeping"] == ["a 0-1; b 0-3"]


def test_mistakes_of_an_inventory_are_told_with_their_lines():
    text = INVENTORY.replace("[4, 5]", "[4, x]").replace("nb_cpu: 2", "nb_cpu: 0")
    found = convert_seapath(text.replace('"000f"', '"xyz"'), file="inv.yaml")

    assert [place for place, _ in problems(found)] == ["inv.yaml:10", "inv.yaml:17", "inv.yaml:22"]
    assert problems(convert_seapath("all: {}\n", file="inv.yaml")) == [
        ("inv.yaml", "the inventory has no VMs")
    ]


CONVERTERS = (convert_flavor, convert_kubevirt, convert_seapath)


@pytest.mark.parametrize(
    "text",
    ["", "- 1\n", "a: [", "a: &x {b: *x}\n", "VMs: &x\n  children: {VMs: *x}\n", "a: 1\na: 2\n",
     "kind: [1]\n", "%YAML 9\n---\n", "? {a: b}\n: 1\n", "=\n", "a: 2001-99-99\n", "a: !!int x\n"],
)  # fmt: skip
@pytest.mark.parametrize("convert", CONVERTERS)
def test_a_strange_file_gives_findings_and_no_traceback(convert, text):
    found = convert(text, file="x")

    assert (found.vms, bool(found.findings)) == ((), True)


@pytest.mark.parametrize(
    ("convert", "text"),
    [(convert_kubevirt, MANIFEST), (convert_seapath, INVENTORY),
     (convert_flavor, "name: f\nvcpus: 4\nproperties: {hw:cpu_realtime: true, hw:numa_nodes: 1}\n")],
)  # fmt: skip
@given(data=st.data())
@settings(max_examples=40)
def test_a_file_with_any_edit_gives_vms_or_findings(convert, text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    new = data.draw(st.text("abc:[]{}-,0129 \n\"'&*!", max_size=6))
    found = convert(text[:start] + new + text[end:], file="x")

    assert bool(found.vms) != bool(found.findings)


@pytest.fixture
def sources(repository):
    return repository / "examples" / "conversions"


@pytest.mark.parametrize(
    "source",
    [("nova-flavor", "flavor.json"), ("kubevirt", "vm.yaml"), ("seapath", "inventory.yaml")],
)
@pytest.mark.parametrize("suffix", ["yaml", "cfg"])
def test_the_examples_become_files_that_can_be_read(sources, tmp_path, capsys, suffix, source):
    option, name = source
    file = tmp_path / f"kvmrt.{suffix}"
    argv = ["import", f"--from-{option}", str(sources / name), "-f", str(file)]

    assert main(argv) == 0
    shown = capsys.readouterr().out
    configuration, findings = load_configuration(file.read_bytes(), file=str(file))
    assert (configuration is not None, findings) == (True, ())
    assert ("only YAML has it" in " ".join(shown.split())) == (suffix == "cfg")
    before = file.read_text()
    assert main([*argv, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {one["outcome"] for one in document["vms"]} == {"present"}
    assert file.read_text() == before


def test_comments_of_a_file_stay_and_a_dry_run_writes_nothing(sources, tmp_path, capsys):
    file = tmp_path / "kvmrt.yaml"
    text = f"# ours\nhost: {{housekeeping: 0-1}}\nvms:\n  web: {{uuid: {VM_UUID[:-1]}0}}  # first\n"
    file.write_text(text)
    argv = ["import", "--from-seapath", str(sources / "inventory.yaml"), "-f", str(file), "rtvm"]

    assert main([*argv, "--dry-run"]) == 0
    assert "+  rtvm:" in capsys.readouterr().out
    assert file.read_text() == text
    assert main(argv) == 0
    shown = capsys.readouterr().out
    assert file.read_text().startswith(text)
    assert "host.housekeeping 0-3" in shown
    assert shown.endswith("left out\n")


def test_what_does_not_go_together_is_refused(sources, tmp_path, capsys):
    source = str(sources / "vm.yaml")
    file = str(tmp_path / "kvmrt.yaml")

    assert main(["import", "--from-kubevirt", source, "-f", file, "-u"]) == 1
    assert "do not go with --from-" in capsys.readouterr().err
    assert main(["import", "--from-kubevirt", source, "-f", file, "nobody"]) == 1
    assert "has no VM named nobody" in capsys.readouterr().err
    assert main(["import", "--from-kubevirt", str(tmp_path / "none"), "-f", file]) == 1
    assert str(tmp_path / "none") in capsys.readouterr().err
