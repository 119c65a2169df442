# SPDX-License-Identifier: Apache-2.0
"""Tests that run in the lab with KVM (`make lab LAB_FLAGS='--kvm tests/lab/inside_kvm'`) and nowhere else.

One guest for all of them: it boots with the first and is shut down by the last.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from agent_guest import BOOT_ARGUMENTS, guest_files
from lab.inside.host_values import host_values
from lab.inside_kvm.guest import CONFIGURATION, DOMAIN, MODULES, NAME, UUID, Story
from lab.inside_pytest import INSIDE
from lab.kernel import fetch_kernel

collect_ignore_glob = [] if os.environ.get(INSIDE) and os.path.exists("/dev/kvm") else ["test_*.py"]


@pytest.fixture(scope="session")
def story(tmp_path_factory):
    """The guest and its configuration, and how the host was before."""
    libvirt = pytest.importorskip("libvirt")
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    file = tmp_path_factory.mktemp("kvm") / "kvmrt.yaml"
    file.write_text(CONFIGURATION)
    connection = libvirt.open("qemu:///system")
    kernel = fetch_kernel(os.environ["KVMRT_LAB_KERNEL"])
    with guest_files(kernel, MODULES) as (image, root):
        xml = DOMAIN.format(name=NAME, uuid=UUID, image=image, root=root, arguments=BOOT_ARGUMENTS)
        domain = connection.defineXML(xml)
        try:
            yield Story(Path(file), domain, before=host_values())
        finally:
            if domain.isActive():
                domain.destroy()
            domain.undefine()
            connection.close()
