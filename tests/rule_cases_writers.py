# SPDX-License-Identifier: Apache-2.0
"""Cases about services that write what kvmrt writes."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import cpus, make_slices
from rule_case import ADVICE, ERROR, WARNING, case, host, of, rt, vm

from kvmrt_plan.facts.containers import Containers
from kvmrt_plan.facts.irqbalance import Irqbalance
from kvmrt_plan.facts.services import Services
from kvmrt_plan.facts.slices import CgroupMode, Slice

NONE = Services(irqbalance=Irqbalance(is_running=False, banned=None), tuned_profile=None)
REALTIME = replace(NONE, tuned_profile="realtime", tuned_isolated=cpus("2-3"))


def with_services(**values):
    return host(services=replace(NONE, **values))


case(
    "KR224 the same CPUs",
    of(rt(1, "1-2")),
    host(services=REALTIME),
    (
        ERROR,
        None,
        None,
        "TuneD's profile realtime isolates CPU 2 of RT VMs and moves their threads away",
    ),
)
case("KR224 other CPUs", of(rt(1, "4-5")), host(services=REALTIME))
case("KR224 not known which", of(rt(1, "1-2")), with_services(tuned_profile="realtime"))
case(
    "KR224 a profile that spares guests",
    of(rt(1, "1-2")),
    host(services=replace(REALTIME, is_tuned_sparing_qemu=True)),
)
case("KR224 TuneD does not run", of(rt(1, "1-2")), with_services(tuned_isolated=cpus("2")))
NUMAD = with_services(running=frozenset({"numad"}))
case(
    "KR225 an RT VM",
    of(rt(1, "1-2")),
    NUMAD,
    (WARNING, None, None, "numad is running and may bind guests to the CPUs of whole nodes"),
)
case("KR225 no RT VM", of(vm(1, "1-2")), NUMAD)
KSM = "ksmtuned is running and switches the merging of pages on"
KSMTUNED = with_services(running=frozenset({"ksmtuned"}))
case("KR226 unmanaged", of(rt(1, "1-2")), KSMTUNED, (ADVICE, None, None, KSM))
case("KR226 managed", of(rt(1, "1-2"), quiet_kernel=True), KSMTUNED, (WARNING, None, 2, KSM))
POWER = with_services(running=frozenset({"tlp", "power-profiles-daemon", "numad"}))
NAMED = "power-profiles-daemon and tlp may change the frequency of CPUs of RT VMs at any time"
case("KR227 unmanaged", of(rt(1, "1-2")), POWER, (ADVICE, None, None, NAMED))
case("KR227 managed", of(rt(1, "1-2"), governor="performance"), POWER, (WARNING, None, 2, NAMED))
case(
    "KR228 a list of their own",
    of(rt(1, "1-2")),
    with_services(
        containers=(
            Containers(engine="docker", count=2, cpus=cpus("0-1")),
            Containers(engine="podman", count=1, cpus=cpus("5")),
        )
    ),
    (
        WARNING,
        None,
        None,
        "docker: 2 containers with CPUs of their own, among them CPU 1 of RT VMs",
    ),
)
GROUPS = tuple(
    Slice(name=name, allowed=None, effective=cpus("0-15"))
    for name in ("docker", "system.slice", "dev-mqueue.mount")
)
case(
    "KR229 a group beside systemd's",
    of(rt(1, "1-2")),
    host(slices=replace(make_slices(mode=CgroupMode.UNIFIED), has_systemd=True, slices=GROUPS)),
    (
        WARNING,
        None,
        None,
        "the cgroup docker is none of systemd's, and its tasks may run on CPUs 1-2,9-10 of RT VMs",
    ),
)
