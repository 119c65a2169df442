# SPDX-License-Identifier: Apache-2.0
"""KVM's parameter nx_huge_pages on a simulated host (arch/x86/kvm/mmu/mmu.c, set_nx_huge_pages)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.hosts.simulated.refusal import refusal

if TYPE_CHECKING:
    from kvmrt_plan.hosts.simulated.texts import Texts

_READ = {"off": "N", "0": "N", "N": "N", "force": "Y", "1": "Y", "Y": "Y", "never": "never"}


def write_nx(texts: Texts, path: str, word: str) -> None:
    """`off` and `force` read as N and Y; `never` is for good, until the module is loaded anew.

    Raises:
        WriteRefusedError: as the kernel refuses.
    """
    if texts.files[path].strip() == "never":
        raise refusal(path, "EPERM")
    if word not in _READ:
        raise refusal(path, "EINVAL")
    texts.change(files={path: f"{_READ[word]}\n"})
