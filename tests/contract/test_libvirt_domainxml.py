# SPDX-License-Identifier: Apache-2.0
"""libvirt itself judges the edits: what it accepts, edited in one key, comes back equal but for the key.

The test driver of libvirt parses and formats with the code of the real ones. QEMU's driver adds what
belongs to its devices; it runs where a libvirtd answers, on few documents, because a host whose KVM is
not usable makes it probe QEMU anew for every definition (4 s measured).
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from domain_corpus import Edit, edits, is_domain, read_corpus, without_owned

from kvmrt_plan.domainxml.document import (
    format_domain,
    parse_domain,
    read_settings,
    write_setting,
)
from kvmrt_plan.domainxml.iothreads import iothread_ids
from kvmrt_plan.domainxml.memory import memory_kib

libvirt = pytest.importorskip("libvirt")


class Verdict(NamedTuple):
    """What became of one edit; `problem` is empty when it was right."""

    key: str
    problem: str


@pytest.fixture
def connection():
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    opened = libvirt.open("test:///default")
    yield opened
    opened.close()


@pytest.fixture
def qemu():
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    try:
        opened = libvirt.open("qemu:///system")
    except libvirt.libvirtError:
        pytest.skip("no libvirtd answers at qemu:///system")
    yield opened
    opened.close()


def complete(domain) -> str:
    """The definition that would be given back to libvirt, secrets included."""
    return domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)


def undefine(domain) -> None:
    try:
        domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
    except libvirt.libvirtError:
        domain.undefine()


def writes_of(settings: dict[str, str]) -> list[tuple[Edit, ...]]:
    """Each edit alone, save those that libvirt ties together: the topology has to multiply to the
    number of vCPUs, and a `cpuset` counts only where numad does not place the vCPUs.
    """
    count = int(settings["vcpus"]) + 2
    singles = [
        edit
        for edit in edits(settings)
        if edit.key != "vcpu-cpuset" or "vcpu-placement" not in settings
    ]
    tied = [
        (Edit("vcpus", str(count)), Edit("topology", f"1,{count},1")),
        (Edit("vcpu-placement", None), Edit("vcpu-cpuset", "0,3"), Edit("numatune", "0-1")),
        (Edit("topology", f"1,{settings['vcpus']},1"),),
    ]
    return [*((edit,) for edit in singles), *tied]


def judge(connection, normal: str, writes: tuple[Edit, ...]) -> Verdict:
    """Edit libvirt's normal form, define it, and compare what comes back."""
    root = parse_domain(normal, domain="edited")
    for key, value in writes:
        write_setting(root, key, value)
    keys = [key for key, _ in writes]
    try:
        after = complete(connection.defineXML(format_domain(root)))
    except libvirt.libvirtError as error:
        return Verdict(keys[0], f"refused: {error}")
    settings = read_settings(parse_domain(after, domain="after"))
    wrong = {key: settings.get(key) for key, value in writes if settings.get(key) != value}
    if wrong:
        return Verdict(keys[0], f"became {wrong}")
    if without_owned(after, *keys) != without_owned(normal, *keys):
        return Verdict(keys[0], "something else changed")
    return Verdict(keys[0], "")


def define(connection, text: str):
    """The domain in the form that libvirt itself keeps, or None when it refuses the document.

    Twice, as some of libvirt's own output (addresses of old consoles) changes when it is read again.
    """
    try:
        domain = connection.defineXML(text)
    except libvirt.libvirtError:
        return None
    return connection.defineXML(complete(domain))


def judge_all(connection, corpus: dict[str, str]) -> dict[str, list[Verdict]]:
    """The verdicts on every edit of each document that is accepted."""
    verdicts = {}
    for name, text in corpus.items():
        domain = define(connection, text)
        if domain is None:
            continue
        normal = complete(domain)
        settings = read_settings(parse_domain(normal, domain=name))
        verdicts[name] = [judge(connection, normal, writes) for writes in writes_of(settings)]
        undefine(domain)
    return verdicts


def failures(verdicts: dict[str, list[Verdict]]) -> list[tuple[str, Verdict]]:
    return [(name, one) for name, found in verdicts.items() for one in found if one.problem]


@pytest.fixture
def distinct(shared_data) -> dict[str, str]:
    """The corpus without repetitions."""
    corpus = {text: name for name, text in read_corpus(shared_data).items() if is_domain(text)}
    return {name: text for text, name in corpus.items()}


@pytest.mark.slow
def test_libvirt_sees_exactly_the_edit(connection, distinct):
    verdicts = judge_all(connection, distinct)

    assert failures(verdicts) == []
    # libvirt 9.0 accepts 720 of 881; newer ones know more of the newer devices.
    assert len(verdicts) > 600
    assert sum(len(found) for found in verdicts.values()) > 15 * len(verdicts)


@pytest.mark.slow
def test_qemu_sees_exactly_the_edits(qemu):
    """All edits at once, as each definition may take seconds."""
    text = """
        <domain type='qemu'><name>kvmrt-edits</name><memory>65536</memory><vcpu>4</vcpu>
        <os><type arch='x86_64'>hvm</type></os><iothreads>1</iothreads></domain>"""
    domain = qemu.defineXML(text)
    try:
        normal = complete(domain)
        found = edits(read_settings(parse_domain(normal, domain="kvmrt-edits")))
        writes = {edit.key: edit for edit in found}
        verdict = judge(qemu, normal, tuple(writes.values()))
    finally:
        undefine(domain)

    assert verdict == Verdict("title", "")
    assert len(writes) == 27


def test_what_libvirt_prints_comes_back_byte_for_byte(connection, distinct):
    changed = []
    for name, text in distinct.items():
        domain = define(connection, text)
        if domain is not None:
            normal = complete(domain)
            undefine(domain)
            if format_domain(parse_domain(normal, domain=name)) != normal:
                changed.append(name)

    # Their metadata declares a namespace that its parent has declared already.
    assert changed == ["real/vdsm/active-merge-00-before.xml", "real/vdsm/vm_compat41.xml"]


@pytest.mark.parametrize(
    "cpuset",
    ["1-4,^3", "^3,1-4", " 0 - 3 , 5 ", "0-3,", "3,1,2", "0-1,^1", "", "1,,2", "^1-3", "a"],
)
def test_libvirt_reads_cpusets_as_we_do(connection, cpuset):
    text = f"""
        <domain type='test'><name>cpusets</name><memory>65536</memory><vcpu>1</vcpu>
        <os><type>hvm</type></os><cputune><emulatorpin cpuset='{cpuset}'/></cputune></domain>"""
    ours = read_settings(parse_domain(text, domain="cpusets"))["emulatorpin"]
    domain = define(connection, text)
    if domain is None:
        assert ours == cpuset
        return
    normal = parse_domain(complete(domain), domain="cpusets")
    undefine(domain)

    assert normal.find("cputune/emulatorpin").get("cpuset") == ours


@pytest.mark.parametrize(
    ("threads", "ids"),
    [
        ("<iothreads>2</iothreads>", (1, 2)),
        ("<iothreads>1</iothreads><iothreadids><iothread id='4'/><iothread id='7'/></iothreadids>",
         (4, 7)),
        ("<iothreads>3</iothreads><iothreadids><iothread id='2'/></iothreadids>", (1, 2, 3)),
        ("<iothreadids><iothread id='2'/></iothreadids>", (2,)),
        ("<iothreads>0</iothreads>", ()),
    ],
)  # fmt: skip
def test_libvirt_numbers_iothreads_as_we_do(connection, threads, ids):
    text = f"""
        <domain type='test'><name>threads</name><memory>65536</memory><vcpu>1</vcpu>{threads}
        <os><type>hvm</type></os></domain>"""
    before = parse_domain(text, domain="threads")
    domain = define(connection, text)
    after = parse_domain(complete(domain), domain="threads")
    undefine(domain)

    assert iothread_ids(before) == iothread_ids(after) == ids
    assert read_settings(before).get("iothreads") == read_settings(after).get("iothreads")


@pytest.mark.parametrize("unit", ["b", "bytes", "KB", "k", "KiB", "MB", "M", "MiB", "GB", "g", "T"])
def test_libvirt_scales_memory_as_we_do(connection, unit):
    number = {"b": 70_000_001, "bytes": 70_000_001, "KB": 70_001, "k": 70_001, "KiB": 70_001}
    text = f"""
        <domain type='test'><name>sizes</name><vcpu>1</vcpu><os><type>hvm</type></os>
        <memory unit='{unit}'>{number.get(unit, 3)}</memory></domain>"""
    domain = define(connection, text)
    normal = parse_domain(complete(domain), domain="sizes")
    undefine(domain)

    assert memory_kib(parse_domain(text, domain="sizes")) == int(normal.findtext("memory"))
