# SPDX-License-Identifier: Apache-2.0
"""docs/configuration.md says of each attribute what the model says."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest

from kvmrt_plan.desired.allowance import Allowance
from kvmrt_plan.desired.boot_model import BootPolicy
from kvmrt_plan.desired.host_knobs import HostKnobs
from kvmrt_plan.desired.kthread_attributes import KTHREAD_ATTRIBUTES
from kvmrt_plan.desired.kthread_model import KernelThreads
from kvmrt_plan.desired.kvm_attributes import KVM_ATTRIBUTES
from kvmrt_plan.desired.kvm_model import KvmPolicy
from kvmrt_plan.desired.model import (
    FURTHER_ATTRIBUTES,
    KVMRT_ATTRIBUTES,
    HostPolicy,
    IrqAssignment,
    Probe,
    VirtualMachine,
)
from kvmrt_plan.desired.thread_scheduler import ThreadScheduler

HOST_KNOBS = tuple(one.name for one in fields(HostKnobs))
#: None means auto here, and unmanaged for every other attribute.
AUTO_IS_NONE = {"housekeeping", "cpu_topology", "rt_memory", "numatune"}


def written_default(one) -> str:
    if one.default is MISSING:
        return "required"
    if one.default is None:
        return "auto" if one.name in AUTO_IS_NONE else "unset"
    if isinstance(one.default, bool):
        return str(one.default).lower()
    return "empty" if one.default == () else str(one.default) or "empty"


def table(model, *names: str) -> str:
    """The table of a model's attributes, as it has to stand in the document."""
    found = {one.name: one for one in fields(model)}
    rows = [
        f"| `{name}` | {written_default(found[name])} | {found[name].metadata['description']} |"
        for name in names
    ]
    return "\n".join(["| attribute | default | meaning |", "|---|---|---|", *rows])


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (VirtualMachine, ("uuid", *KVMRT_ATTRIBUTES)),
        (VirtualMachine, FURTHER_ATTRIBUTES),
        (ThreadScheduler, ("policy", "priority")),
        (
            HostPolicy,
            (
                "housekeeping",
                "shield",
                "irqs",
                "irqbalance",
                "probes",
                "quiet_kernel",
                "rt_throttling",
                "governor",
                "cpu_latency_us",
                *HOST_KNOBS,
                "kvm",
                "boot",
            ),
        ),
        (KernelThreads, tuple(KTHREAD_ATTRIBUTES)),
        (KvmPolicy, tuple(KVM_ATTRIBUTES)),
        (
            BootPolicy,
            (
                "nohz_full",
                "rcu_nocbs",
                "irqaffinity",
                "managed_irqs",
                "kthread_prio",
                "workqueue_pri",
                "iommu",
                "vfio_pci",
                "arguments",
            ),
        ),
        (IrqAssignment, ("irq", "cpus")),
        (Probe, ("name", "command", "tcp", "ping", "timeout")),
        (Allowance, ("code", "reason", "until", "vm")),
    ],
    ids=[
        "KVM-RT",
        "further",
        "scheduler",
        "host",
        "kernel threads",
        "kvm",
        "boot",
        "irqs",
        "probes",
        "allowances",
    ],
)
def test_the_reference_has_each_attribute_as_the_model_describes_it(repository, model, names):
    text = (repository / "docs" / "configuration.md").read_text(encoding="utf-8")

    assert table(model, *names) in text, f"docs/configuration.md needs:\n{table(model, *names)}"
