# SPDX-License-Identifier: Apache-2.0
"""Cases about the guest's machine."""

from __future__ import annotations

from facts_builders import cpus, domain_xml, make_domain
from rule_case import ERROR, WARNING, case, host, of, rt, vm

from kvmrt_plan.desired.guest import CpuMode


def with_inner(inner: str):
    """A host whose domain vm1 has these elements."""
    return host(domains=[make_domain(1, "vm1", xml=domain_xml(1, "vm1", inner=inner))])


TWO_CELLS = (
    "<cpu><numa><cell id='0' cpus='0' memory='1'/><cell id='1' cpus='1' memory='1'/></numa></cpu>"
)

case(
    "KR140 a hint of a KVM that is hidden",
    of(vm(1, hide_kvm=True, hint_dedicated=True)),
    None,
    (WARNING, "vm1", 100, "vm1: hide_kvm is on, so that hint_dedicated has no effect"),
)
case(
    "KR140 hints and clock of a KVM that is hidden",
    of(vm(1, hide_kvm=True, hint_dedicated=True, poll_control=False, kvmclock=True)),
    None,
    (
        WARNING,
        "vm1",
        100,
        "vm1: hide_kvm is on, so that hint_dedicated and kvmclock have no effect",
    ),
)
case("KR140 hints of a KVM that is seen", of(vm(1, hint_dedicated=True)), None)
case(
    "KR141 migratable with the host's model",
    of(vm(1, cpu_mode=CpuMode.HOST_MODEL, migratable=False)),
    host(),
    (
        ERROR,
        "vm1",
        100,
        "vm1: migratable needs a cpu_mode of host-passthrough, but it is host-model",
    ),
)
case(
    "KR141 a feature without a model",
    of(vm(1, invtsc=True)),
    host(),
    (ERROR, "vm1", 100, "vm1: invtsc needs a cpu_mode of host-passthrough, but it is not set"),
)
case(
    "KR141 a feature of the model that libvirt has",
    of(vm(1, invtsc=True)),
    with_inner("<cpu><model>EPYC</model></cpu>"),
)
case(
    "KR142 a guest without cells",
    of(vm(1, cell_nodes=cpus("0"))),
    host(),
    (ERROR, "vm1", 100, "vm1: cell_nodes names 1 nodes, but the guest has 0 NUMA cells"),
)
case(
    "KR142 a node outside numatune",
    of(vm(1, "1-2", cell_nodes=cpus("0-1"))),
    with_inner(TWO_CELLS),
    (ERROR, "vm1", 100, "vm1: cell_nodes names NUMA node 1, which numatune does not"),
)
case(
    "KR142 a node for each cell",
    of(vm(1, "1,4", cell_nodes=cpus("0-1"))),
    with_inner(TWO_CELLS),
)
case(
    "KR143 a quota",
    of(rt(1, "1-2")),
    with_inner("<cputune><quota>50000</quota><emulator_quota>-1</emulator_quota></cputune>"),
    (WARNING, "vm1", 102, "vm1: libvirt limits its processor time (quota 50000)"),
)
case(
    "KR143 a quota that is none",
    of(rt(1, "1-2")),
    with_inner("<cputune><quota>-1</quota></cputune>"),
)
case(
    "KR144 a preference that the governor excludes",
    of(governor="performance", energy_preference="balance_power"),
    None,
    (ERROR, None, 2, "host: energy_preference is balance_power, but governor is performance"),
)
case("KR144 the governor's own", of(governor="performance", energy_preference="performance"), None)
