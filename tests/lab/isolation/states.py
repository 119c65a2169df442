# SPDX-License-Identifier: Apache-2.0
"""Brings the lab into each state and counts there; one process inside the lab for a whole boot.

    python -m lab.isolation.states BOOT PACKAGES

BOOT is `stock`, `kvmrt` or `tuned`: which boot arguments the kernel has, and so which states are tried. What
was counted is /lab/counted.json, boot arguments that kvmrt and TuneD ask for are /lab/arguments.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.inside.story import NAME, configuration_of, kvmrt
from lab.isolation import guests, load
from lab.isolation.counting import Watch, count
from lab.isolation.interrupts import immovable
from lab.isolation.tuned import boot_arguments_of_tuned, tuned_running
from lab.machine import PEER_ADDRESS

#: Each CPU that the RT guest's threads run on, and the cores that belong to it.
CPUS = (2, 4, 6)
OWNED = "2-7"
CONFIGURATION = configuration_of(cpuset="2,4,6", nr_vcpus=2)
SECONDS = 8.0
_HOST = """\
host:
  quiet_kernel: true
  rt_throttling: false
  nmi_watchdog: false
  machine_check_polling: false
  evacuate_cpus: true
"""
_NEXT_BOOT = """\
  boot:
    nohz_full: auto
    rcu_nocbs: auto
    irqaffinity: auto
    managed_irqs: auto
"""
_FIRST = -20
_CONFIGURATION = Path("/etc/kvmrt.yaml")
#: Tasks that are there before a state begins, and those that come later.
_RESIDENTS = (load.busy, load.busy, load.busy, load.writes, load.reads, load.pings)
_NEWCOMERS = (load.busy, load.busy, load.busy, load.forks)


@dataclass(slots=True)
class Counter:
    """Counts in one state after the other, under the same load."""

    load: load.Load
    watch: Watch
    folder: Path
    late: tuple[int, ...] = ()

    def take(self, state: str, guest: int | None = None) -> None:
        """Count, and add it to what is in the run's folder."""
        _say(f"{state}: counts")
        guests.resume_neighbour()
        found = count(self.watch, self.load, guest)
        guests.pause_neighbour()
        path = self.folder / "counted.json"
        rows = json.loads(path.read_text()) if path.exists() else {}
        rows[state] = {
            str(cpu): {"columns": dict(one.columns), "events": dict(one.events.most_common())}
            for cpu, one in found.items()
        }
        path.write_text(json.dumps(rows, indent=1))
        _say(f"{state}: {[dict(one.columns) for one in found.values()]}")

    def newcomers(self) -> None:
        """Tasks that begin while the state holds, in the place of those of the state before."""
        self.load.end(self.late)
        self.late = self.load.start(*_NEWCOMERS)


def main() -> int:
    """Every state of a boot."""
    boot, packages = sys.argv[1], Path(sys.argv[2])
    # Who counts goes before the load, which is left few CPUs.
    os.nice(_FIRST)
    _CONFIGURATION.write_text(_HOST + CONFIGURATION)
    guests.define_guests()
    interface = _ready_network()
    watch = Watch(CPUS, SECONDS, immovable())
    with load.Load() as running:
        counter = Counter(running, watch, Path("/lab"))
        running.start(*_RESIDENTS)
        if boot == "stock":
            _untouched(counter, interface)
        if boot in ("stock", "kvmrt"):
            _kvmrt(counter)
        if boot in ("stock", "tuned"):
            _tuned(counter, packages)
    return 0


def _untouched(counter: Counter, interface: str) -> None:
    # Interrupts are where the kernel or irqbalance has put them: the network's on a CPU of the guest.
    for number in os.listdir(f"/sys/class/net/{interface}/device/../msi_irqs"):
        Path(f"/proc/irq/{number}/smp_affinity_list").write_text(f"{CPUS[1]}\n")
    counter.newcomers()
    counter.take("untouched")
    _note_arguments("kvmrt", _boot_arguments_of_kvmrt())


def _kvmrt(counter: Counter) -> None:
    _run("apply", "-f", str(_CONFIGURATION), "--yes", NAME)
    counter.newcomers()
    counter.take("kvmrt")
    _run("boot", "-f", str(_CONFIGURATION), NAME)
    counter.take("kvmrt, guest runs", guests.process_of_rt_guest())
    guests.stop_rt_guest()
    _run("shutdown", "-f", str(_CONFIGURATION), NAME)


def _tuned(counter: Counter, packages: Path) -> None:
    with tuned_running(packages, OWNED):
        _note_arguments("tuned", boot_arguments_of_tuned())
        counter.newcomers()
        counter.take("TuneD")


def _boot_arguments_of_kvmrt() -> str:
    """What a plan has the boot loader say, everything left to kvmrt; GRUB's settings are there, and empty."""
    Path("/boot/grub").mkdir(parents=True, exist_ok=True)
    Path("/etc/default/grub").touch()
    path = Path("/run/kvmrt-next-boot.yaml")
    path.write_text(_HOST + _NEXT_BOOT + CONFIGURATION)
    status, output = kvmrt("plan", "-f", str(path), "--json", NAME)
    if status not in (0, 7):
        raise RuntimeError(f"kvmrt plan ended with {status}:\n{output}")
    document = json.loads(output)
    return next(one["after"] for one in document["actions"] if one["address"] == "boot/arguments")


def _note_arguments(whose: str, arguments: str) -> None:
    path = Path("/lab/arguments.json")
    noted = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(noted | {whose: arguments}))


def _ready_network() -> str:
    """The interface behind which somebody answers."""
    for name in sorted(os.listdir("/sys/class/net")):
        if Path(f"/sys/class/net/{name}/address").read_text().strip() == PEER_ADDRESS:
            for words in (
                ["link", "set", name, "up"],
                ["addr", "add", "10.0.2.15/24", "dev", name],
            ):
                subprocess.run(["ip", *words], check=True)
            return name
    raise RuntimeError("the lab has no network interface with a peer")


def _run(*arguments: str) -> None:
    status, output = kvmrt(*arguments)
    _say(f"kvmrt {arguments[0]}: {status}")
    with Path("/lab/kvmrt.output").open("a") as file:
        file.write(f"$ kvmrt {' '.join(arguments)}\n{output}\n")
    if status:
        raise RuntimeError(f"kvmrt {' '.join(arguments)} ended with {status}:\n{output}")


def _say(text: str) -> None:
    sys.stdout.write(f"isolation: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
