# SPDX-License-Identifier: Apache-2.0
"""Text to tree and back: what is refused, what survives, what an inserted element looks like."""

from __future__ import annotations

import time

import pytest

from kvmrt_plan.domainxml.document import (
    MAX_BYTES,
    SETTINGS,
    format_domain,
    is_owned,
    parse_domain,
    read_settings,
    write_setting,
)
from kvmrt_plan.errors import DomainXmlError

PLAIN = """\
<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>rt1</name>
  <uuid>b5ad6587-bcc8-4438-8466-d561016c18ec</uuid>
  <metadata>
    <app:spec xmlns:app="urn:app" size="1"><!-- it's "quoted" --><app:part/> a &gt; 'b'</app:spec>
  </metadata>
  <memory unit='KiB'>65536</memory>
  <vcpu placement='static'>4</vcpu>
  <os>
    <type arch='x86_64'>hvm</type>
  </os>
  <devices>
    <disk type='file' device='disk'>
      <source file='/srv/a &amp; &quot;b&quot; &lt;c&gt; &apos;d&apos;'/>
    </disk>
    <!-- by hand -->
    <rng model='virtio'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-overcommit'/>
  </qemu:commandline>
</domain>
"""


def write_all(text: str, **writes: str | None) -> str:
    root = parse_domain(text, domain="rt1")
    for key, value in writes.items():
        write_setting(root, key.replace("_", " "), value)
    return format_domain(root)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "<!-- before -->\n<?by hand?>\n<domain>\n</domain>\n<!-- behind -->\n",
        "<domain a:b='1' xml:lang='de' xmlns:a='urn:a'>\n  <a:c a:d='&#10;'>&#13;é漢</a:c>\n</domain>\n",
        "<domain>\n  <x xmlns='urn:x'>\n    <y xmlns=''/>\n  </x>\n</domain>\n",
        "<domain>\n  <a:x xmlns:a='urn:1'>\n    <a:x xmlns:a='urn:2'/>\n  </a:x>\n</domain>\n",
        "<domain>text<b/>tail</domain>\n",
    ],
)
def test_untouched_text_comes_back_byte_for_byte(text):
    assert format_domain(parse_domain(text, domain="rt1")) == text


@pytest.mark.parametrize(
    "declaration",
    [
        "<?xml version='1.0' encoding='ISO-8859-1'?>\n",
        "<?xml version='1.0' encoding='UTF-16'?>",
        "<?xml version='1.0' encoding='no-such'?>",
        "\ufeff",
    ],
)
def test_a_declaration_is_passed_over_whatever_it_claims(declaration):
    text = "<domain>\n  <name>é漢</name>\n</domain>\n"

    assert format_domain(parse_domain(declaration + text, domain="rt1")) == text


BOMB = "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>]><domain>&b;</domain>"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB, "its XML has a DOCTYPE"),
        ("<!-- x --><?p q?>\n<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>",
         "its XML has a DOCTYPE"),
        ("", "its XML is not well-formed at line 1: Document is empty"),
        ("<domain>\n<name>\n</domain>",
         ("its XML is not well-formed at line 3: Opening and ending tag mismatch: "
         "name line 2 and domain")),
        ("<domain>\0</domain>",
         "its XML is not well-formed at line 1: Invalid character: Char 0x0 out of allowed range"),
        ("<domain>&#0;</domain>",
         "its XML is not well-formed at line 1: xmlParseCharRef: invalid xmlChar value 0"),
        ("<domain>&passwd;</domain>",
         "its XML is not well-formed at line 1: Entity 'passwd' not defined"),
        ("<domain/>`", ("its XML is not well-formed at line 1: "
         "Extra content at the end of the document")),
        ("<domain>\ud800</domain>", "its XML holds a character that is none, at offset 8"),
        ("<domstatus/>", "its XML has the root <domstatus>, not <domain>"),
        ("<domain xmlns='urn:x'/>", "its XML has the root <{urn:x}domain>, not <domain>"),
        ("<domain a='" + "x" * MAX_BYTES + "'/>", "its XML is larger than 4 MiB"),
        ("<domain a='" + "é" * (MAX_BYTES // 2) + "'/>", "its XML is larger than 4 MiB"),
    ],
)  # fmt: skip
def test_what_is_no_domain_is_refused_with_place_and_remedy(text, problem):
    with pytest.raises(DomainXmlError) as caught:
        parse_domain(text, domain="rt1")

    assert (caught.value.domain, caught.value.problem) == ("rt1", f"domain rt1: {problem}")
    assert caught.value.remedy


def test_deep_nesting_is_refused():
    with pytest.raises(DomainXmlError, match="Excessive depth"):
        parse_domain("<domain>" + "<a>" * 3000 + "</a>" * 3000 + "</domain>", domain="rt1")


def test_the_deepest_document_that_is_read_is_written_too():
    text = "<domain>" + "<a>" * 254 + "x" + "</a>" * 254 + "</domain>\n"

    assert format_domain(parse_domain(text, domain="rt1")) == text


def test_the_word_doctype_in_a_comment_or_text_means_nothing():
    text = "<!-- <!DOCTYPE x> -->\n<domain>\n  <!-- <!DOCTYPE y> -->\n</domain>\n"

    assert format_domain(parse_domain(text, domain="rt1")) == text


def test_a_hostile_prolog_is_searched_once():
    text = "<!---->" * 100_000 + "<!DOCTYP" + "<!DOCTYPE"
    start = time.process_time()
    with pytest.raises(DomainXmlError):
        parse_domain(text, domain="rt1")

    assert time.process_time() - start < 1


def test_inserted_elements_look_as_if_libvirt_had_written_them():
    edited = write_all(
        PLAIN,
        title="Real time",
        vcpupin_1="3",
        vcpupin_0="2",
        emulatorpin="0-1",
        vcpusched_0="fifo 1",
        numatune="0",
        memballoon="none",
        **{"memory-locked": "yes", "kvm-hidden": "on", "topology": "1,4,1", "hugepages": "1048576"},
    )

    added = """\
  <title>Real time</title>
  <memoryBacking>
    <hugepages>
      <page size='1048576' unit='KiB'/>
    </hugepages>
    <locked/>
  </memoryBacking>
  <cputune>
    <vcpupin vcpu='0' cpuset='2'/>
    <vcpupin vcpu='1' cpuset='3'/>
    <emulatorpin cpuset='0-1'/>
    <vcpusched vcpus='0' scheduler='fifo' priority='1'/>
  </cputune>
  <numatune>
    <memory mode='strict' nodeset='0'/>
  </numatune>
  <features>
    <kvm>
      <hidden state='on'/>
    </kvm>
  </features>
  <cpu>
    <topology sockets='1' cores='4' threads='1'/>
  </cpu>
    <memballoon model='none'/>
"""
    before = PLAIN.splitlines()
    kept = iter(edited.splitlines())
    assert all(line in kept for line in before), "the old lines stand there in their order"
    new = [line for line in edited.splitlines() if line not in before]
    assert new == added.splitlines()
    names = [element.tag for element in parse_domain(edited, domain="rt1").iterchildren("*")]
    assert names == [
        "name", "uuid", "title", "metadata", "memory", "memoryBacking", "vcpu", "cputune",
        "numatune", "os", "features", "cpu", "devices",
        "{http://libvirt.org/schemas/domain/qemu/1.0}commandline",
    ]  # fmt: skip


def test_added_and_removed_again_is_the_old_text():
    root = parse_domain(PLAIN, domain="rt1")
    keys = {
        "title": "x", "description": "y", "vcpupin 3": "1", "vcpupin 1": "1", "emulatorpin": "0",
        "vcpusched 2": "rr 4", "numatune": "0", "memory-locked": "yes", "hugepages": "default",
        "kvm-hidden": "on", "topology": "2,2,1", "memballoon": "virtio", "iothreads": "2",
        "iothreadpin 1": "0", "vcpu-cpuset": "1-3", "memnode 1": "1", "memnode 0": "0",
        "memory-unshared": "yes", "memory-allocation": "immediate", "pmu": "off", "vmport": "off",
        "ioapic": "kvm", "kvm-hint-dedicated": "on", "kvm-poll-control": "on",
        "cpu-migratable": "off", "cpu-mode": "host-passthrough", "cpu-invtsc": "require",
        "cpu-tsc-deadline": "require", "timer-hpet": "no", "timer-kvmclock": "yes",
    }  # fmt: skip
    for key, value in keys.items():
        write_setting(root, key, value)
    assert read_settings(root) == {"name": "rt1", "vcpus": "4", **keys}
    for key in keys:
        write_setting(root, key, None)

    assert format_domain(root) == PLAIN


@pytest.mark.parametrize(
    "parent",
    ["<cputune><shares>3</shares></cputune>", "<cputune><!-- mine --></cputune>",
     "<cputune q='1'/>", "<cputune>words</cputune>"],
)  # fmt: skip
def test_a_parent_that_says_something_else_stays(parent):
    text = f"<domain>{parent}</domain>\n"
    root = parse_domain(text, domain="rt1")
    write_setting(root, "emulatorpin", "1")
    write_setting(root, "emulatorpin", None)

    assert root.find("cputune") is not None
    assert format_domain(root).replace("\n", "").replace(" ", "") == text.replace("\n", "").replace(
        " ", ""
    )


@pytest.mark.parametrize("key", ["", "vcpu", "vcpupin", "vcpupin x", "vcpupin 01", "vcpupin 0 1",
                                 "vcpupin -1", "vcpupin 99999", "emulatorpin 1", "uuid", "vcpusched",
                                 "topology 1", "numatune 0", "name x", "hugepages 1"])  # fmt: skip
def test_an_unknown_key_is_refused(key):
    root = parse_domain(PLAIN, domain="rt1")
    with pytest.raises(ValueError, match=r"."):
        write_setting(root, key, "1")

    assert format_domain(root) == PLAIN


def test_every_setting_names_its_own_families():
    families = [family for setting in SETTINGS for family in setting.families]

    assert sorted(families) == sorted(set(families))
    assert all(is_owned(family) for family in families)
    assert not is_owned("uuid")


def test_five_hundred_domains_are_read_in_a_quarter_of_a_second():
    text = PLAIN.replace("  <devices>", "  <devices>\n" + "    <hub type='usb'/>\n" * 190)
    assert 4_500 < len(text) < 5_500
    start = time.process_time()
    for _ in range(500):
        read_settings(parse_domain(text, domain="rt1"))

    assert time.process_time() - start < 0.25
