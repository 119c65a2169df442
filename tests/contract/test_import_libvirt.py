# SPDX-License-Identifier: Apache-2.0
"""What libvirt itself accepts and gives back, imported and planned: nothing is left to change."""

from __future__ import annotations

import subprocess
import sys
from uuid import uuid4

import pytest
from domain_corpus import is_domain, read_corpus
from facts_builders import make_host

from kvmrt_plan.changes.change import Change
from kvmrt_plan.changes.collect import collect_changes
from kvmrt_plan.changes.importing import Outcome, import_domains
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.desired.model import Configuration
from kvmrt_plan.facts.domains import parse_domains
from kvmrt_plan.facts.snapshot import RawLibvirt, Snapshot
from kvmrt_plan.hosts.libvirt_domains import _domain
from kvmrt_plan.placement.place import place

libvirt = pytest.importorskip("libvirt")

PINNED = """
<cputune><emulatorpin cpuset='0'/><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='1'/></cputune>
<numatune><memory mode='preferred' nodeset='0'/></numatune><memoryBacking><locked/></memoryBacking>"""
FOREIGN = "<cputune><vcpupin vcpu='1' cpuset='0-1'/></cputune>"


@pytest.fixture
def connection():
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    opened = libvirt.open("test:///default")
    yield opened
    opened.close()


def undefine(domain) -> None:
    try:
        domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
    except libvirt.libvirtError:
        domain.undefine()


def accepted(connection, texts):
    """Each document that libvirt accepts, with the facts of a host that has this domain alone."""
    for text in texts:
        try:
            domain = connection.defineXML(text)
        except libvirt.libvirtError:
            continue
        raw = _domain(libvirt, domain)
        undefine(domain)
        snapshot = Snapshot(
            name="host", captured="", files={}, libvirt=RawLibvirt(uri="test", domains=(raw,))
        )
        yield (
            raw.name,
            make_host(
                sockets=2, cores=16, threads=2, nodes=2, domains=parse_domains(snapshot).values()
            ),
        )


@pytest.mark.slow
@pytest.mark.parametrize("file", ["kvmrt.yaml", "kvmrt.cfg"])
def test_after_an_import_nothing_is_left_to_change(connection, shared_data, file):
    texts = {text for text in read_corpus(shared_data).values() if is_domain(text)}
    refused, left = [], []
    number = 0
    for name, facts in accepted(connection, sorted(texts)):
        number += 1
        done = import_domains(
            "", Configuration(file=file), facts.domains.values(), facts, updates=False
        )
        if done.domains[0].outcome is Outcome.REFUSED:
            refused.append(name)
            continue
        configuration, findings = load_configuration(done.text.encode(), file=file)
        assert configuration is not None, findings
        considered = collect_changes(configuration, facts, place(configuration, facts))
        left += [(name, one) for one in considered if isinstance(one, Change)]

    assert left == []
    # A description whose lines begin with blanks, for which INI has no notation.
    assert len(refused) == (0 if file == "kvmrt.yaml" else 1)
    assert number > 600


@pytest.fixture
def three():
    """Three domains of QEMU that are not there otherwise."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    try:
        opened = libvirt.open("qemu:///system")
    except libvirt.libvirtError:
        pytest.skip("no libvirtd answers at qemu:///system")
    defined = []
    for suffix, inner in (("a", PINNED), ("b", FOREIGN), ("c", "<title>Third</title>")):
        name = f"kvmrt-import-{uuid4().hex[:8]}-{suffix}"
        text = f"""<domain type='qemu'><name>{name}</name><memory>65536</memory><vcpu>2</vcpu>{inner}
            <os><type arch='x86_64'>hvm</type></os></domain>"""
        defined.append(opened.defineXML(text))
    yield [domain.name() for domain in defined]
    for domain in defined:
        domain.undefine()
    opened.close()


def kvmrt(repository, *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kvmrt_plan", *argv, "--connect", "qemu:///system"]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=repository, timeout=120, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["yaml", "cfg"])
def test_import_then_plan_on_a_real_libvirt(three, tmp_path, repository, suffix):
    file = str(tmp_path / f"kvmrt.{suffix}")
    first = kvmrt(repository, "import", "-f", file, *three)
    planned = kvmrt(repository, "plan", "-f", file, "--detailed-exitcode")
    again = kvmrt(repository, "import", "-u", "-f", file, *three)

    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.endswith(f"{file}: 3 added\n")
    assert planned.returncode == 0, planned.stdout
    assert again.stdout.endswith(f"{file}: 3 present\n")
