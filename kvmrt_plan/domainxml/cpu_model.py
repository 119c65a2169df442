# SPDX-License-Identifier: Apache-2.0
"""`<cpu>`: where the guest's CPU model comes from, and single features of it.

A `<cpu>` without a mode and with a `<model>` is custom to libvirt; one without either only carries the
topology. A mode other than custom takes no model: libvirt drops one that is there. `migratable` belongs
to host-passthrough and maximum alone (libvirt refuses it elsewhere), so that it goes with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.setting import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

_CUSTOM = "custom"
_MODES = ("host-passthrough", "host-model", "maximum")
_FEATURES = {"cpu-tsc-deadline": "tsc-deadline", "cpu-invtsc": "invtsc"}
_POLICIES = ("force", "require", "optional", "disable", "forbid")


class CpuModel:
    """Keys `cpu-mode` (`host-passthrough`, `host-model`, `maximum`, `custom MODEL`), `cpu-migratable`
    (only ever "off": on is the default), and the policies of features: `cpu-tsc-deadline`,
    `cpu-invtsc` (`require`, `disable`, ...).
    """

    families = ("cpu-mode", "cpu-migratable", *_FEATURES)

    def read(self, domain: _Element) -> dict[str, str]:
        """A word that libvirt would refuse is handed out as it is."""
        found = {}
        cpu = tree.child(domain, "cpu")
        if cpu is not None:
            mode = _mode(cpu)
            if mode:
                found["cpu-mode"] = mode
            migratable = cpu.get("migratable", "on")
            if migratable != "on":
                found["cpu-migratable"] = migratable
        for key, name in _FEATURES.items():
            feature = next(_features(domain, name), None)
            if feature is not None:
                found[key] = feature.get("policy", "require")
        return found

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Choose the mode, or a feature's policy; topology, cells and other features stay.

        Raises:
            ValueError: a foreign key, or a value that is not of it.
        """
        if key == "cpu-mode":
            _write_mode(domain, value)
        elif key == "cpu-migratable":
            _write_migratable(domain, value)
        elif key in _FEATURES:
            _write_feature(domain, key, value)
        else:
            raise ValueError(f"{key!r} is not of this setting")


def _mode(cpu: _Element) -> str:
    mode = cpu.get("mode", "")
    model = tree.text_of(tree.child(cpu, "model"))
    if mode == _CUSTOM or (not mode and model):
        return f"{_CUSTOM} {model}".rstrip(" ")
    return mode


def _write_mode(domain: _Element, value: str | None) -> None:
    word, _, model = (value or "").partition(" ")
    is_custom = word == _CUSTOM and bool(model.strip())
    if value is not None and not is_custom and value not in _MODES:
        raise refuse(
            "cpu-mode", value, f"one of {', '.join(_MODES)}, custom with a model, or absent"
        )
    cpu = tree.child(domain, "cpu")
    if (None if cpu is None else _mode(cpu) or None) == value:
        return
    if cpu is None:
        cpu = tree.reach(domain, "cpu")
    for name in ("mode", "match", "check"):
        tree.drop(cpu, name)
    for element in [*cpu.iterchildren("model"), *cpu.iterchildren("vendor")]:
        tree.remove_line(element)
    if value is None:
        if tree.is_empty(cpu):
            tree.remove(cpu)
        return
    cpu.set("mode", word)
    if is_custom:
        tree.set_text(tree.insert(cpu, "model"), model)


def _write_migratable(domain: _Element, value: str | None) -> None:
    if value not in ("off", None):
        raise refuse("cpu-migratable", value, "off or absent")
    if value == "off":
        tree.reach(domain, "cpu").set("migratable", value)
        return
    cpu = tree.child(domain, "cpu")
    if cpu is not None:
        tree.drop(cpu, "migratable")
        if tree.is_empty(cpu):
            tree.remove(cpu)


def _write_feature(domain: _Element, key: str, value: str | None) -> None:
    if value is None:
        for feature in list(_features(domain, _FEATURES[key])):
            tree.remove(feature)
        return
    if value not in _POLICIES:
        raise refuse(key, value, f"one of {', '.join(_POLICIES)}, or absent")
    present = next(_features(domain, _FEATURES[key]), None)
    if present is None:
        cpu = tree.reach(domain, "cpu")
        tree.insert(cpu, "feature", {"policy": value, "name": _FEATURES[key]})
    elif present.get("policy", "require") != value:
        present.set("policy", value)


def _features(domain: _Element, name: str) -> Iterator[_Element]:
    return (one for one in tree.each(domain, "cpu", "feature") if one.get("name") == name)


def guest_cells(domain: _Element) -> int:
    """How many NUMA cells the guest has; without `<numa>` none of its own."""
    return sum(1 for _ in tree.each(domain, "cpu", "numa", "cell"))
