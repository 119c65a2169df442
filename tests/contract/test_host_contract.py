# SPDX-License-Identifier: Apache-2.0
"""What the engine relies on holds for the simulated host and for the live one.

The live host works on a temporary tree and on libvirt's test driver; what only a kernel or systemd does is
listed at the end, for the lab.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hosts_generator import make_pair

from kvmrt_plan.domainxml.document import (
    format_domain,
    parse_domain,
    read_settings,
    write_setting,
)
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.snapshot import RawDomain, RawLibvirt, Snapshot
from kvmrt_plan.hosts.live import LiveHost
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.values.cpuset import CpuSet

libvirt = pytest.importorskip("libvirt")

URI = "test:///default"
OFF = "6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c01"
#: libvirt's test driver has one running domain of its own.
RUNNING = "6695eb01-f6a4-8304-79aa-97f2502e193f"
UNKNOWN = "6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2cff"
XML = f"""<domain type='test'>
  <name>off</name>
  <uuid>{OFF}</uuid>
  <memory unit='KiB'>1048576</memory>
  <vcpu placement='static'>2</vcpu>
  <os><type arch='i686'>hvm</type></os>
</domain>"""
IRQ = "/proc/irq/24/smp_affinity_list"
DEFAULT = "/proc/irq/default_smp_affinity"
WORKQUEUE = "/sys/devices/virtual/workqueue/cpumask"
ONLINE = "/sys/devices/system/cpu/cpu1/online"
#: Files that an ordinary one can stand for, with a value that is always accepted, as it is written.
VALUES = ((IRQ, "0"), (IRQ, "0-1"), (DEFAULT, "03"), (WORKQUEUE, "01"), (ONLINE, "0"))


@pytest.fixture
def connection():
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    opened = libvirt.open(URI)
    domain = opened.defineXML(XML)
    yield opened
    if domain.isActive():
        domain.destroy()
    domain.undefine()
    opened.close()


def raw(domain) -> RawDomain:
    """As a snapshot has it."""
    return RawDomain(
        uuid=domain.UUIDString(),
        name=domain.name(),
        state="running" if domain.isActive() else "shut off",
        persistent=True,
        autostart=bool(domain.autostart()),
        xml=domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE),
        live_xml=domain.XMLDesc(0) if domain.isActive() else "",
    )


def host_files() -> dict[str, str]:
    """A host of eight CPUs, whose texts are those of a kernel."""
    files = dict(make_pair(0).snapshot.files)
    cpus = "0-7\n"
    files.update({"/sys/devices/system/cpu/possible": cpus, "/sys/devices/system/cpu/online": cpus})
    files.update({IRQ: cpus, DEFAULT: "ff\n", WORKQUEUE: "ff\n", ONLINE: "1\n"})
    files["/sys/kernel/irq/24/actions"] = "eth0\n"
    files.pop("/sys/kernel/debug/irq/irqs/24", None)
    return files


@pytest.fixture(params=["simulated", "live"])
def host(request, connection, tmp_path):
    if request.param == "live":
        for path, text in host_files().items():
            file = Path(f"{tmp_path}{path}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", errors="surrogateescape")
        return LiveHost(uri=URI, root=str(tmp_path), name="contract")
    domains = tuple(map(raw, connection.listAllDomains()))
    return SimulatedHost(
        Snapshot(
            name="contract",
            captured="",
            files=host_files(),
            libvirt=RawLibvirt(uri=URI, domains=domains),
        )
    )


def changed(host, uuid, **values):
    """The definition with other settings."""
    root = parse_domain(host.domains.definition(uuid), domain=uuid)
    for key, value in values.items():
        write_setting(root, key.replace("_", " "), value)
    return format_domain(root)


def settings_of(host, uuid):
    return read_settings(parse_domain(host.domains.definition(uuid), domain=uuid))


def test_a_host_has_its_name(host):
    assert host.name == "contract"


def test_reading_gives_the_text_and_none_where_there_is_no_file(host):
    assert host.read(IRQ) == "0-7\n"
    assert host.read("/proc/irq/99999/smp_affinity_list") is None
    assert host.read(f"{IRQ}/deeper") is None


@pytest.mark.parametrize(("path", "value"), VALUES)
def test_what_is_written_is_read_and_captured(host, path, value):
    host.write(path, value)
    assert host.read(path) == f"{value}\n"
    assert host.capture().files[path] == f"{value}\n"


@pytest.mark.parametrize(("path", "value"), VALUES)
def test_an_exchange_shows_the_old_text_and_returns_the_new(host, path, value):
    shown = []

    def choose(text):
        shown.append(text)
        return value

    before = host.read(path)
    assert host.exchange(path, choose) == f"{value}\n"
    assert shown == [before]
    assert host.read(path) == f"{value}\n"


def test_an_exchange_that_chooses_nothing_writes_nothing(host):
    assert host.exchange(IRQ, lambda _text: None) == "0-7\n"
    assert host.read(IRQ) == "0-7\n"


def test_an_exchange_without_a_file_shows_none(host):
    shown = []
    assert host.exchange("/proc/irq/99999/smp_affinity_list", shown.append) is None
    assert shown == [None]


def test_an_exchange_passes_on_what_is_raised_in_it(host):
    def choose(_text):
        raise WriteRefusedError(IRQ, "stop")

    with pytest.raises(WriteRefusedError, match="stop"):
        host.exchange(IRQ, choose)
    assert host.read(IRQ) == "0-7\n"


@pytest.mark.parametrize("write", ["write", "exchange"])
def test_writing_to_no_file_is_refused_and_makes_none(host, write):
    path = "/proc/irq/99999/smp_affinity_list"
    with pytest.raises(WriteRefusedError) as raised:
        host.write(path, "0") if write == "write" else host.exchange(path, lambda _text: "0")
    assert (raised.value.errno_name, raised.value.target) == ("ENOENT", path)
    assert host.read(path) is None


def test_a_definition_is_defined_and_read_again(host):
    host.domains.define(changed(host, OFF, title="Another", vcpus="4"))
    found = settings_of(host, OFF)
    assert (found["title"], found["vcpus"]) == ("Another", "4")


def test_a_definition_comes_back_in_normal_form(host):
    text = changed(host, OFF, vcpupin_0="2-3").replace("2-3", "3,2")
    assert "'3,2'" in text
    host.domains.define(text)
    assert settings_of(host, OFF)["vcpupin 0"] == "2-3"
    assert "2-3" in host.domains.definition(OFF)


def test_a_definition_given_back_is_the_same_to_the_byte(host):
    before = host.domains.definition(OFF)
    host.domains.define(changed(host, OFF, title="Another", vcpupin_0="1", numatune="0"))
    assert host.domains.definition(OFF) != before
    host.domains.define(before)
    assert host.domains.definition(OFF) == before


@pytest.mark.parametrize("xml", ["no XML", "<domain/>", "<domain type='test'><name>x</name>"])
def test_what_is_no_definition_is_refused(host, xml):
    with pytest.raises(WriteRefusedError):
        host.domains.define(xml)


def test_a_definition_cannot_take_another_domains_name(host):
    text = host.domains.definition(OFF).replace("<name>off</name>", "<name>test</name>")
    with pytest.raises(WriteRefusedError):
        host.domains.define(text)


def test_a_domain_that_is_off_is_renamed(host):
    host.domains.rename(OFF, "other")
    assert host.domains.name(OFF) == "other"
    assert settings_of(host, OFF)["name"] == "other"
    host.domains.rename(OFF, "off")
    assert host.domains.name(OFF) == "off"


@pytest.mark.parametrize(("uuid", "name"), [(OFF, "test"), (RUNNING, "other")])
def test_a_name_in_use_and_a_domain_that_runs_are_not_renamed(host, uuid, name):
    before = host.domains.name(uuid)
    with pytest.raises(WriteRefusedError):
        host.domains.rename(uuid, name)
    assert host.domains.name(uuid) == before


def test_autostart_goes_on_and_off(host):
    for is_on in (True, True, False):
        host.domains.set_autostart(OFF, is_on=is_on)
        assert host.domains.has_autostart(OFF) is is_on


def test_only_a_running_domain_has_a_live_definition(host):
    assert host.domains.live_definition(OFF) == ""
    assert settings_of(host, RUNNING)["name"] in host.domains.live_definition(RUNNING)


def test_a_live_pin_shows_in_the_live_definition_alone(host):
    """Of the emulator: libvirt's test driver cannot pin vCPUs; test_qemu_apply.py pins real ones."""
    before = host.domains.definition(RUNNING)
    host.domains.pin(RUNNING, "emulatorpin", CpuSet((0, 2)))
    live = read_settings(parse_domain(host.domains.live_definition(RUNNING), domain=RUNNING))
    assert live["emulatorpin"] == "0,2"
    assert host.domains.definition(RUNNING) == before


def test_a_pin_of_a_domain_that_is_off_is_refused(host):
    with pytest.raises(WriteRefusedError):
        host.domains.pin(OFF, "vcpupin 0", CpuSet((0,)))


def test_a_guest_without_a_process_has_no_threads(host):
    assert host.domains.threads(OFF) == ()


@pytest.mark.parametrize(
    "question",
    [
        lambda domains: domains.definition(UNKNOWN),
        lambda domains: domains.live_definition(UNKNOWN),
        lambda domains: domains.name(UNKNOWN),
        lambda domains: domains.rename(UNKNOWN, "x"),
        lambda domains: domains.has_autostart(UNKNOWN),
        lambda domains: domains.set_autostart(UNKNOWN, is_on=True),
        lambda domains: domains.pin(UNKNOWN, "vcpupin 0", CpuSet((0,))),
    ],
    ids=["definition", "live", "name", "rename", "autostart", "set-autostart", "pin"],
)
def test_a_domain_that_nobody_knows_is_an_error(host, question):
    with pytest.raises(WriteRefusedError, match=r"[Dd]omain"):
        question(host.domains)


def test_a_definition_that_the_schema_does_not_know_is_refused(connection, tmp_path):
    """Without validation libvirt would drop the element in silence; the simulated host has no schema."""
    del connection
    host = LiveHost(uri=URI, root=str(tmp_path), name="contract")
    text = host.domains.definition(OFF).replace("</domain>", "<nonsense/></domain>")
    with pytest.raises(WriteRefusedError, match="nonsense"):
        host.domains.define(text)


#: Path, text, and what the kernel answers, as the simulated host does; measured in the lab.
KERNEL_ANSWERS = (
    ("/proc/irq/25/smp_affinity_list", "0", "EIO"),
    (IRQ, "7", "EINVAL"),
    (IRQ, "4096", "ERANGE"),
    (IRQ, "x", "EINVAL"),
    (WORKQUEUE, "0", "EINVAL"),
    (ONLINE, "2", "EINVAL"),
    ("/proc/irq/24/actions", "x", "ENOENT"),
)


@pytest.mark.parametrize(("path", "text", "errno_name"), KERNEL_ANSWERS)
def test_the_simulated_kernel_refuses_as_the_real_one(path, text, errno_name):
    files = host_files()
    # The managed interrupt, and a CPU that is not there.
    files["/proc/irq/25/smp_affinity_list"] = "0-7\n"
    files["/sys/kernel/irq/25/actions"] = "nvme0q1\n"
    files["/sys/devices/system/cpu/online"] = "0-6\n"
    host = SimulatedHost(Snapshot(name="contract", captured="", files=files))
    before = dict(host.capture().files)
    with pytest.raises(WriteRefusedError) as raised:
        host.write(path, text)
    assert raised.value.errno_name == errno_name
    assert dict(host.capture().files) == before


@pytest.mark.lab
@pytest.mark.skipif("KVMRT_LAB" not in os.environ, reason="needs a kernel of its own: the lab")
@pytest.mark.parametrize(("path", "text", "errno_name"), KERNEL_ANSWERS)
def test_the_real_kernel_refuses(path, text, errno_name):
    """In the lab's guest interrupt 25 is managed, and CPU 7 is offline."""
    host = LiveHost(uri=None)
    before = host.read(path)
    with pytest.raises(WriteRefusedError) as raised:
        host.write(path, text)
    assert raised.value.errno_name == errno_name
    assert host.read(path) == before
