# SPDX-License-Identifier: Apache-2.0
"""Domain XML: any text parses or is refused, any tree survives, any order of edits gives one result."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from strategies import cpu_sets

from kvmrt_plan.domainxml.document import (
    format_domain,
    parse_domain,
    read_settings,
    write_setting,
)
from kvmrt_plan.errors import DomainXmlError

pieces = st.sampled_from(
    ["<domain", "</domain>", ">", "/>", "<!DOCTYPE", "<!--", "-->", "<?xml version='1.0'?>", "]]>",
     "<![CDATA[", "&a;", "&#0;", "&#x10ffff;", " xmlns:q='u'", "<q:a", "\0", "\ud800", "\ufeff",
     "<cputune>", "<vcpupin vcpu='", "' cpuset='", "^3,", "'", "\r\n"]
)  # fmt: skip
texts = st.lists(pieces | st.text(max_size=5), max_size=12).map("".join)

visible = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8).filter(
    lambda text: not any(character in text for character in "\ufffe\uffff")
)
values = visible | st.sampled_from(["0", "1-3,^2", "4-1", "x", "", " 7 ", "99999999999"])
#: Elements that mean something, with attributes and texts that mostly mean nothing.
TAGS = ["cputune", "vcpupin", "emulatorpin", "vcpusched", "emulatorsched", "iothreadsched", "vcpu",
        "vcpus", "cpu", "topology", "title",
        "numatune", "memory", "memoryBacking", "hugepages", "page", "features", "kvm", "hidden",
        "devices", "memballoon", "iothreads", "iothreadids", "iothread", "q", "memnode", "pmu", "feature",
        "clock", "timer", "allocation", "nosharepages"]  # fmt: skip
NAMES = ["vcpu", "vcpus", "cpuset", "scheduler", "priority", "nodeset", "placement", "size", "unit",
         "state", "model", "id", "current", "sockets", "cores", "threads", "dies",
         "mode", "name", "policy", "present", "cellid", "check", "migratable"]  # fmt: skip


@st.composite
def trees(draw):
    """A `<domain>` of known elements in strange places."""
    root = etree.Element("domain")
    open_elements = [root]
    for _ in range(draw(st.integers(0, 12))):
        parent = draw(st.sampled_from(open_elements))
        element = etree.SubElement(parent, draw(st.sampled_from(TAGS)))
        for name in draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True)):
            element.set(name, draw(values))
        element.text, element.tail = draw(values), draw(visible)
        open_elements.append(element)
    return root


numbers = st.integers(0, 5).map(str)
sets = cpu_sets(min_size=1, max_id=200).filter(bool).map(str)
writes = st.one_of(
    st.tuples(st.sampled_from(["title", "description"]), visible.filter(bool)),
    st.tuples(st.sampled_from(["vcpu-cpuset", "emulatorpin", "numatune"]), sets),
    st.tuples(numbers.map("vcpupin {}".format), sets),
    st.tuples(numbers.map("iothreadpin {}".format), sets),
    st.tuples(st.just("emulatorsched"), st.sampled_from(["fifo 1", "rr 99", "batch"])),
    st.tuples(numbers.map("iothreadsched {}".format), st.sampled_from(["fifo 1", "idle"])),
    st.tuples(numbers.map("vcpusched {}".format), st.sampled_from(["fifo 1", "rr 99", "batch"])),
    st.tuples(st.just("hugepages"), st.sampled_from(["default", "2048", "1048576@0;2048@1"])),
    st.tuples(numbers.map("memnode {}".format), sets),
    st.sampled_from([("memory-unshared", "yes"), ("memory-allocation", "immediate"), ("pmu", "off"),
                     ("vmport", "on"), ("ioapic", "kvm"), ("kvm-hint-dedicated", "on"),
                     ("cpu-mode", "host-passthrough"), ("cpu-mode", "custom EPYC"),
                     ("cpu-migratable", "off"), ("cpu-invtsc", "require"),
                     ("cpu-tsc-deadline", "disable"), ("timer-hpet", "no"),
                     ("timer-kvmclock", "yes")]),
    st.sampled_from([("memory-locked", "yes"), ("kvm-hidden", "on"), ("memballoon", "none"),
                     ("iothreads", "3"), ("topology", "2,3,1"), ("vcpus", "6")]),
)  # fmt: skip


@given(texts)
@example("<domain>" + "<a>" * 300)
@example("\ufeff<!DOCTYPE")
def test_any_text_is_a_domain_or_refused(text):
    try:
        root = parse_domain(text, domain="rt1")
    except DomainXmlError:
        return
    again = format_domain(root)
    read_settings(root)

    assert format_domain(parse_domain(again, domain="rt1")) == again


@given(trees())
def test_any_tree_survives_and_can_be_read(root):
    text = etree.tostring(root, encoding="unicode")
    parsed = parse_domain(text, domain="rt1")
    settings = read_settings(parsed)
    again = parse_domain(format_domain(parsed), domain="rt1")

    assert etree.tostring(again, method="c14n") == etree.tostring(root, method="c14n")
    assert read_settings(again) == settings


@given(trees(), writes)
def test_what_is_written_is_read_again_and_no_other_key_changes(root, write):
    key, value = write
    before = read_settings(root)
    write_setting(root, key, value)
    after = read_settings(root)

    assert after.pop(key) == value
    before.pop(key, None)
    assert after == before


@given(st.lists(writes, max_size=8, unique_by=lambda write: write[0]), st.randoms())
def test_the_order_of_edits_does_not_matter(chosen, random):
    shuffled = list(chosen)
    random.shuffle(shuffled)
    texts_of = []
    for order in (chosen, shuffled):
        root = parse_domain(
            "<domain>\n  <name>rt1</name>\n  <vcpu>2</vcpu>\n</domain>", domain="rt1"
        )
        for key, value in order:
            write_setting(root, key, value)
        texts_of.append(etree.tostring(root, method="c14n"))

    assert texts_of[0] == texts_of[1]
