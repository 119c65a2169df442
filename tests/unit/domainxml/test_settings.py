# SPDX-License-Identifier: Apache-2.0
"""Each setting: what is read from XML in any notation, and what writing makes of it."""

from __future__ import annotations

import pytest

from kvmrt_plan.domainxml.document import (
    format_domain,
    parse_domain,
    read_settings,
    write_setting,
)
from kvmrt_plan.domainxml.iothreads import iothread_ids
from kvmrt_plan.domainxml.live import read_pins
from kvmrt_plan.domainxml.memory import hard_limit_kib, memory_kib
from kvmrt_plan.values.cpuset import CpuSet


def domain(inner: str):
    return parse_domain(f"<domain>{inner}</domain>", domain="rt1")


def read(inner: str) -> dict[str, str]:
    """All settings but the one vCPU that every domain has."""
    found = read_settings(domain(inner))
    return {key: value for key, value in found.items() if (key, value) != ("vcpus", "1")}


def written(inner: str, *writes: tuple[str, str | None]) -> str:
    """The inside of the domain after the writes, without the blanks between elements."""
    root = domain(inner)
    for key, value in writes:
        write_setting(root, key, value)
    lines = (line.strip() for line in format_domain(root).splitlines())
    return (
        "".join(lines).removeprefix("<domain>").removesuffix("</domain>").replace("<domain/>", "")
    )


@pytest.mark.parametrize(
    ("inner", "settings"),
    [
        ("", {}),
        ("<name>a&amp;b </name>", {"name": "a&b "}),
        ("<name>a<!-- c -->b</name>", {"name": "ab"}),
        ("<title/><description></description>", {}),
        ("<vcpu> 04 </vcpu>", {"vcpus": "4"}),
        ("<vcpu placement='auto' cpuset='1-4,^3'>2</vcpu>",
         {"vcpus": "2", "vcpu-cpuset": "1-2,4", "vcpu-placement": "auto"}),
        ("<vcpu>many</vcpu>", {"vcpus": "many"}),
        ("<vcpu cpuset='4-1'/>", {"vcpus": "", "vcpu-cpuset": "4-1"}),
        (("<cputune><vcpupin vcpu='00' cpuset='3,1,2'/><vcpupin vcpu='x' cpuset='1'/>"
         "<iothreadpin iothread='2' cpuset='0,^0'/><emulatorpin/></cputune>"),
         {"vcpupin 0": "1-3", "iothreadpin 2": "0,^0", "emulatorpin": ""}),
        (("<cputune><vcpupin vcpu='0' cpuset='1'/></cputune><cputune><vcpupin vcpu='1' cpuset='2'/>"
         "</cputune>"), {"vcpupin 0": "1", "vcpupin 1": "2"}),
        (("<cputune><vcpusched vcpus='0-2,^1' scheduler='fifo' priority='07'/>"
         "<vcpusched vcpus='1,2' scheduler='batch' priority='3'/>"
         "<vcpusched vcpus='3' scheduler='rr'/><vcpusched vcpus='' scheduler='idle'/></cputune>"),
         {"vcpusched 0": "fifo 7", "vcpusched 1": "batch", "vcpusched 2": "fifo 7",
          "vcpusched 3": "rr"}),
        (("<cputune><iothreadsched iothreads='1-2' scheduler='fifo' priority='4'/>"
         "<emulatorsched scheduler='rr' priority='05'/><emulatorsched scheduler='idle'/></cputune>"),
         {"iothreadsched 1": "fifo 4", "iothreadsched 2": "fifo 4", "emulatorsched": "rr 5"}),
        ("<cpu><topology sockets='1' dies='2' cores='02' threads='x'/></cpu>",
         {"topology": "1,4,x"}),
        (("<cpu><topology drawers='2' books='3' sockets='1' clusters='2' modules='2' cores='1' "
         "threads='1'/></cpu>"), {"topology": "6,4,1"}),
        ("<numatune><memory mode='interleave' nodeset='1,0'/></numatune>", {"numatune": "0-1"}),
        ("<numatune><memory placement='auto' nodeset='1'/></numatune>", {"numatune": "auto"}),
        ("<numatune><memory mode='strict'/><memnode cellid='0' nodeset='1'/></numatune>",
         {"memnode 0": "1"}),
        ("<memoryBacking><locked/><hugepages/></memoryBacking>",
         {"memory-locked": "yes", "hugepages": "default"}),
        (("<memoryBacking><hugepages><page size='2' unit='M' nodeset='1'/>"
         "<page size='1' unit='GiB' nodeset='0,2'/></hugepages></memoryBacking>"),
         {"hugepages": "1048576@0,2;2048@1"}),
        ("<memoryBacking><hugepages><page size='2' unit='furlong'/></hugepages></memoryBacking>",
         {"hugepages": "2furlong"}),
        ("<features><kvm><hidden state='on'/></kvm></features>", {"kvm-hidden": "on"}),
        ("<features><kvm><hidden state='off'/></kvm></features>", {}),
        ("<features><kvm><hidden/></kvm></features>", {"kvm-hidden": ""}),
        (("<features><kvm><hint-dedicated state='on'/><poll-control state='off'/></kvm><pmu/>"
          "<vmport state='off'/><ioapic driver='qemu'/></features>"),
         {"kvm-hint-dedicated": "on", "pmu": "on", "vmport": "off", "ioapic": "qemu"}),
        (("<memoryBacking><nosharepages/><allocation mode='immediate' threads='4'/>"
          "</memoryBacking>"), {"memory-unshared": "yes", "memory-allocation": "immediate"}),
        ("<cpu mode='host-passthrough' check='none' migratable='off'/>",
         {"cpu-mode": "host-passthrough", "cpu-migratable": "off"}),
        ("<cpu match='exact'><model fallback='allow'>EPYC</model><feature name='invtsc'/></cpu>",
         {"cpu-mode": "custom EPYC", "cpu-invtsc": "require"}),
        ("<cpu><topology sockets='1' cores='1' threads='1'/></cpu>", {"topology": "1,1,1"}),
        (("<numatune><memnode cellid='1' mode='strict' nodeset='3,2'/><memnode cellid='x'/>"
          "</numatune>"), {"memnode 1": "2-3"}),
        ("<clock><timer name='hpet' present='no'/><timer name='kvmclock'/></clock>",
         {"timer-hpet": "no"}),
        ("<devices><memballoon model='none'/></devices>", {"memballoon": "none"}),
        ("<iothreads>0</iothreads>", {}),
        ("<iothreads>1</iothreads><iothreadids><iothread id='4'/><iothread id='7'/></iothreadids>",
         {"iothreads": "2"}),
        ("<iothreads>two</iothreads>", {"iothreads": "two"}),
        ("<x:vcpu xmlns:x='urn:x'>9</x:vcpu>", {}),
    ],
)  # fmt: skip
def test_reading_gives_canonical_texts_and_never_fails(inner, settings):
    assert read(inner) == settings


@pytest.mark.parametrize(
    ("inner", "key", "value", "after"),
    [
        # identity
        ("<name>a</name>", "title", "b & c", "<name>a</name><title>b &amp; c</title>"),
        ("<title>a<!-- c -->b</title>", "title", "x", "<title>x<!-- c --></title>"),
        ("<title>a</title>", "title", "", ""),
        # vcpu
        ("", "vcpus", "2", "<vcpu>2</vcpu>"),
        ("<vcpu current='2'>4</vcpu>", "vcpus", "3", "<vcpu current='2'>3</vcpu>"),
        ("<vcpu current='2'>4</vcpu>", "vcpus", "2", "<vcpu>2</vcpu>"),
        ("<vcpu current='2'>4</vcpu><vcpus><vcpu id='0'/></vcpus>", "vcpus", "8",
         "<vcpu current='2'>8</vcpu>"),
        ("<vcpu current='2'>4</vcpu><vcpus><vcpu id='0'/></vcpus>", "vcpus", "4",
         "<vcpu current='2'>4</vcpu><vcpus><vcpu id='0'/></vcpus>"),
        ("<vcpu cpuset='1'>4</vcpu>", "vcpu-cpuset", None, "<vcpu>4</vcpu>"),
        ("<vcpu>4</vcpu>", "vcpu-cpuset", "3,1,2", "<vcpu cpuset='1-3'>4</vcpu>"),
        ("<vcpu placement='auto'>4</vcpu>", "vcpu-placement", None,
         "<vcpu placement='static'>4</vcpu>"),
        ("<vcpu>4</vcpu>", "vcpu-placement", None, "<vcpu>4</vcpu>"),
        # pins
        ("<cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='2' cpuset='1'/></cputune>",
         "vcpupin 1", "5", ("<cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='5'/>"
         "<vcpupin vcpu='2' cpuset='1'/></cputune>")),
        ("<cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='0' cpuset='2'/></cputune>",
         "vcpupin 0", "5", "<cputune><vcpupin vcpu='0' cpuset='5'/></cputune>"),
        ("<cputune><vcpupin vcpu='0' cpuset='1'/></cputune>", "vcpupin 0", None, ""),
        ("", "vcpupin 0", None, ""),
        # scheduler
        ("<cputune><vcpusched vcpus='0-3' scheduler='fifo' priority='1'/></cputune>",
         "vcpusched 2", "rr 9",
         ("<cputune><vcpusched vcpus='0-1,3' scheduler='fifo' priority='1'/>"
         "<vcpusched vcpus='2' scheduler='rr' priority='9'/></cputune>")),
        ("<cputune><vcpusched vcpus='0-1' scheduler='fifo' priority='1'/></cputune>",
         "vcpusched 0", None,
         "<cputune><vcpusched vcpus='1' scheduler='fifo' priority='1'/></cputune>"),
        ("<cputune><vcpusched vcpus='0-1' scheduler='fifo' priority='1'/></cputune>",
         "vcpusched 0", "fifo 1",
         "<cputune><vcpusched vcpus='0-1' scheduler='fifo' priority='1'/></cputune>"),
        ("<cputune><vcpusched vcpus='0' scheduler='fifo' priority='1'/></cputune>",
         "vcpusched 0", "idle", "<cputune><vcpusched vcpus='0' scheduler='idle'/></cputune>"),
        ("<cputune><iothreadsched iothreads='1-2' scheduler='fifo' priority='1'/></cputune>",
         "iothreadsched 1", "rr 9",
         ("<cputune><iothreadsched iothreads='2' scheduler='fifo' priority='1'/>"
         "<iothreadsched iothreads='1' scheduler='rr' priority='9'/></cputune>")),
        ("<cputune><vcpusched vcpus='0' scheduler='fifo' priority='1'/></cputune>",
         "emulatorsched", "fifo 2",
         ("<cputune><emulatorsched scheduler='fifo' priority='2'/>"
         "<vcpusched vcpus='0' scheduler='fifo' priority='1'/></cputune>")),
        ("<cputune><emulatorsched scheduler='fifo' priority='2'/></cputune>",
         "emulatorsched", "batch", "<cputune><emulatorsched scheduler='batch'/></cputune>"),
        ("<cputune><emulatorsched scheduler='fifo' priority='2'/><emulatorsched/></cputune>",
         "emulatorsched", None, ""),
        (("<cputune><vcpusched vcpus='0' scheduler='rr' priority='1'/>"
         "<vcpusched vcpus='0-1' scheduler='batch'/></cputune>"), "vcpusched 0", None,
         "<cputune><vcpusched vcpus='1' scheduler='batch'/></cputune>"),
        # topology
        ("<cpu><topology sockets='01' cores='2' threads='1'/></cpu>", "topology", "1,2,1",
         "<cpu><topology sockets='01' cores='2' threads='1'/></cpu>"),
        (("<cpu mode='host-passthrough'><topology sockets='1' dies='2' clusters='1' cores='2' "
         "threads='1'/></cpu>"), "topology", "1,8,1",
         ("<cpu mode='host-passthrough'><topology sockets='1' clusters='1' cores='8' threads='1'/>"
         "</cpu>")),
        ("<cpu><topology sockets='1' dies='2' cores='2' threads='1'/></cpu>", "topology", "1,4,1",
         "<cpu><topology sockets='1' dies='2' cores='2' threads='1'/></cpu>"),
        ("<cpu><topology sockets='1' cores='2' threads='1'/></cpu>", "topology", None, ""),
        # numa
        ("<numatune><memory mode='interleave' nodeset='0'/></numatune>", "numatune", "1",
         "<numatune><memory mode='interleave' nodeset='1'/></numatune>"),
        ("<numatune><memory mode='preferred' placement='auto'/></numatune>", "numatune", "0-1",
         "<numatune><memory mode='preferred' nodeset='0-1'/></numatune>"),
        ("<numatune><memnode cellid='0' mode='strict' nodeset='1'/></numatune>", "numatune", "1",
         ("<numatune><memory mode='strict' nodeset='1'/>"
         "<memnode cellid='0' mode='strict' nodeset='1'/></numatune>")),
        ("<numatune><memory nodeset='1'/><memnode cellid='0' nodeset='1'/></numatune>", "numatune",
         None, "<numatune><memnode cellid='0' nodeset='1'/></numatune>"),
        ("<numatune><memory mode='strict' nodeset='1'/></numatune>", "numatune", "auto",
         "<numatune><memory mode='strict' placement='auto'/></numatune>"),
        # memory
        ("<memoryBacking><nosharepages/></memoryBacking>", "memory-locked", "yes",
         "<memoryBacking><nosharepages/><locked/></memoryBacking>"),
        (("<memoryBacking><hugepages><!-- c --><page size='2' unit='M' nodeset='0'/></hugepages>"
         "</memoryBacking>"), "hugepages", "1048576",
         ("<memoryBacking><hugepages><!-- c --><page size='1048576' unit='KiB'/></hugepages>"
         "</memoryBacking>")),
        ("<memoryBacking><hugepages><page size='2' unit='M'/></hugepages></memoryBacking>",
         "hugepages", "default", "<memoryBacking><hugepages/></memoryBacking>"),
        ("", "hugepages", "1048576@0;2048@1",
         ("<memoryBacking><hugepages><page size='1048576' unit='KiB' nodeset='0'/>"
         "<page size='2048' unit='KiB' nodeset='1'/></hugepages></memoryBacking>")),
        # features
        ("<features><acpi/><kvm><hidden state='on'/></kvm></features>", "kvm-hidden", None,
         "<features><acpi/></features>"),
        ("<features><kvm><hint-dedicated state='on'/><hidden state='off'/></kvm></features>",
         "kvm-hidden", "on",
         "<features><kvm><hint-dedicated state='on'/><hidden state='on'/></kvm></features>"),
        # balloon
        (("<devices><memballoon model='virtio' autodeflate='on'><!-- c --><stats period='5'/>"
         "<address type='pci'/></memballoon></devices>"), "memballoon", "none",
         "<devices><memballoon model='none'><!-- c --></memballoon></devices>"),
        ("<devices><memballoon model='none'/></devices>", "memballoon", "virtio",
         "<devices><memballoon model='virtio'/></devices>"),
        # the guest's machine
        ("<memoryBacking><allocation mode='ondemand' threads='4'/></memoryBacking>",
         "memory-allocation", None, "<memoryBacking><allocation threads='4'/></memoryBacking>"),
        (("<cpu mode='custom' match='exact' check='full'><model>EPYC</model><vendor>AMD</vendor>"
          "<feature policy='disable' name='svm'/></cpu>"), "cpu-mode", "host-passthrough",
         "<cpu mode='host-passthrough'><feature policy='disable' name='svm'/></cpu>"),
        ("<cpu mode='host-passthrough' check='none'/>", "cpu-mode", "custom EPYC",
         "<cpu mode='custom'><model>EPYC</model></cpu>"),
        ("<cpu mode='host-model'/>", "cpu-invtsc", "require",
         "<cpu mode='host-model'><feature policy='require' name='invtsc'/></cpu>"),
        ("<clock offset='utc'><timer name='hpet' present='yes' tickpolicy='delay'/></clock>",
         "timer-hpet", None,
         "<clock offset='utc'><timer name='hpet' tickpolicy='delay'/></clock>"),
        ("<numatune><memory mode='strict' nodeset='0-1'/></numatune>", "memnode 0", "1",
         ("<numatune><memory mode='strict' nodeset='0-1'/>"
          "<memnode cellid='0' mode='strict' nodeset='1'/></numatune>")),
        # iothreads
        ("<iothreads>1</iothreads>", "iothreads", "3", "<iothreads>3</iothreads>"),
        ("<iothreads>3</iothreads><iothreadids><iothread id='2'/><iothread id='9'/></iothreadids>",
         "iothreads", "1",
         "<iothreads>1</iothreads><iothreadids><iothread id='2'/></iothreadids>"),
        ("<iothreads>1</iothreads><iothreadids><iothread id='2'/></iothreadids>", "iothreads", "0",
         ""),
        ("", "iothreads", "0", ""),
    ],
)  # fmt: skip
def test_writing_touches_only_its_own_part(inner, key, value, after):
    assert written(inner, (key, value)) == after


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", None), ("name", ""), ("title", "\0"), ("title", "\x1b"), ("title", "\ud800"),
        ("vcpus", None), ("vcpus", "0"), ("vcpus", "-1"), ("vcpus", "x"), ("vcpus", "٣"),
        ("vcpu-cpuset", ""), ("vcpu-cpuset", "4-1"), ("vcpu-placement", "static"),
        ("vcpupin 0", ""), ("vcpupin 0", "1-4,^3"), ("emulatorpin", "x"), ("iothreadpin 1", "99999999"),
        ("vcpusched 0", "fifo"), ("vcpusched 0", "fifo 0"), ("vcpusched 0", "rr 100"),
        ("vcpusched 0", "other"), ("vcpusched 0", "batch 1"), ("topology", "1,2"),
        ("topology", "1,0,1"), ("topology", "1,2,x"), ("topology", ""), ("numatune", ""),
        ("numatune", "all"), ("memory-locked", "no"),
        ("memory-unshared", "no"), ("memory-allocation", "later"), ("pmu", "yes"), ("ioapic", "on"),
        ("cpu-mode", "custom"), ("cpu-mode", "best"), ("cpu-migratable", "on"),
        ("cpu-invtsc", "yes"), ("timer-hpet", "off"), ("memnode 0", "all"),
        ("hugepages", "2M"), ("hugepages", "0"),
        ("hugepages", "2048@"), ("hugepages", ""), ("kvm-hidden", "off"), ("memballoon", ""),
        ("memballoon", "a b"), ("iothreads", "x"), ("iothreads", "-1"),
    ],
)  # fmt: skip
def test_a_value_that_is_none_is_refused_and_nothing_changes(key, value):
    inner = "<name>a</name><vcpu>4</vcpu>"
    root = domain(inner)
    with pytest.raises(ValueError, match=r"."):
        write_setting(root, key, value)

    assert format_domain(root) == f"<domain>{inner}</domain>\n"


@pytest.mark.parametrize(
    ("inner", "memory", "limit"),
    [
        ("<memory>65536</memory>", 65536, None),
        ("<memory unit='GiB'>1</memory><memtune><hard_limit unit='G'>2</hard_limit></memtune>",
         1048576, 2097152),
        ("<memory unit='GB'>1</memory>", 976563, None),
        ("<memory unit='bytes'>1025</memory>", 2, None),
        ("<memory unit='eib'>1</memory>", 1 << 50, None),
        ("<memory unit='furlong'>1</memory>", None, None),
        ("<memory>lots</memory><memtune><hard_limit>-1</hard_limit></memtune>", None, None),
        ("", None, None),
    ],
)  # fmt: skip
def test_memory_sizes_are_in_kib_and_rounded_up(inner, memory, limit):
    assert (memory_kib(domain(inner)), hard_limit_kib(domain(inner))) == (memory, limit)


@pytest.mark.parametrize(
    ("inner", "ids"),
    [
        ("", ()),
        ("<iothreads>3</iothreads><iothreadids><iothread id='2'/></iothreadids>", (1, 2, 3)),
        ("<iothreadids><iothread id='9'/><iothread id='x'/><iothread/></iothreadids>", (9,)),
        ("<iothreads>999999999</iothreads>", ()),
    ],
)
def test_iothreads_are_numbered_as_libvirt_does(inner, ids):
    assert iothread_ids(domain(inner)) == ids


def test_pins_are_handed_out_as_sets():
    inner = (
        "<cputune><vcpupin vcpu='1' cpuset='1-4,^3'/><vcpupin vcpu='2' cpuset='x'/>"
        "<emulatorpin cpuset='0'/></cputune>"
    )

    assert read_pins(domain(inner)) == {
        "vcpupin 1": CpuSet([1, 2, 4]),
        "emulatorpin": CpuSet([0]),
    }
