# SPDX-License-Identifier: Apache-2.0
"""Reading, writing and editing on every domain XML of libvirt's and virt-manager's own tests."""

from __future__ import annotations

import pytest
from domain_corpus import Edit, canonical, edits, is_domain, read_corpus, without_owned
from lxml import etree

from kvmrt_plan.domainxml.document import (
    format_domain,
    parse_domain,
    read_settings,
    write_setting,
)
from kvmrt_plan.errors import DomainXmlError

#: Parents that go when what we added to them goes, although the document had them empty before.
EMPTY_PARENTS = (
    "cputune",
    "numatune",
    "memoryBacking",
    "features",
    "features/kvm",
    "cpu",
    "devices",
)

#: libvirt refuses the first, and the kernel the second; both are shown as they are, and never written.
UNWRITABLE = {("vcpu-cpuset", "aaa"), ("vcpusched", "fifo 0"), ("iothreadsched", "rr 0")}


@pytest.fixture(scope="module")
def corpus(shared_data) -> dict[str, str]:
    return read_corpus(shared_data)


@pytest.fixture(scope="module")
def domains(corpus) -> dict[str, str]:
    return {name: text for name, text in corpus.items() if is_domain(text)}


@pytest.fixture(scope="module")
def distinct(domains) -> dict[str, str]:
    """Without those of `picked/` that the archives hold too."""
    return {name: text for text, name in {text: name for name, text in domains.items()}.items()}


def write_all(text: str, *writes: Edit) -> str:
    root = parse_domain(text, domain="corpus")
    for key, value in writes:
        write_setting(root, key, value)
    return format_domain(root)


def settings_of(text: str) -> dict[str, str]:
    return read_settings(parse_domain(text, domain="corpus"))


def test_the_corpus_is_whole(corpus, domains):
    assert (len(corpus), len(domains)) == (953, 921)


def test_every_domain_survives_parse_and_format(domains):
    changed = [
        name
        for name, text in domains.items()
        if canonical(format_domain(parse_domain(text, domain=name))) != canonical(text)
    ]

    assert changed == []


def test_what_libvirt_wrote_comes_back_byte_for_byte(domains):
    """Documents in libvirt's quotes; the others differ in quotes, or in blanks around the root."""
    libvirts = {name: text for name, text in domains.items() if '"' not in text}
    changed = [
        name
        for name, text in libvirts.items()
        if format_domain(parse_domain(text, domain=name)).strip() != text.strip()
    ]

    assert len(libvirts) > 800
    # Seven were written by hand: `'` inside <metadata>, a blank before "/>", `<a></a>`.
    assert len(changed) == 7, changed


def test_every_document_that_is_no_domain_is_refused_clearly(corpus, domains):
    problems = {}
    for name in corpus.keys() - domains.keys():
        with pytest.raises(DomainXmlError) as caught:
            parse_domain(corpus[name], domain="broken")
        problems[name] = caught.value.problem
        assert caught.value.remedy

    assert problems["real/kubevirt/cpu_pinning.xml"] == (
        "domain broken: its XML is not well-formed at line 7: "
        "Extra content at the end of the document"
    )
    assert problems["real/kubevirt/domain_numa_topology.xml"] == (
        "domain broken: its XML is not well-formed at line 20: "
        "Extra content at the end of the document"
    )
    assert sum("<domstatus>" in problem for problem in problems.values()) == 6


@pytest.mark.slow
def test_an_edit_changes_its_own_part_and_nothing_else(distinct):
    edited = 0
    for name, text in distinct.items():
        before = settings_of(text)
        for key, value in edits(before):
            after = write_all(text, Edit(key, value))
            wanted = {**before, key: value} if value is not None else {**before}
            if value is None:
                del wanted[key]
            assert settings_of(after) == wanted, (name, key)
            assert without_owned(after, key) == without_owned(text, key), (name, key)
            edited += 1

    assert edited > 10_000


def test_an_edit_of_the_number_of_vcpus_keeps_the_rest(domains):
    for name, text in domains.items():
        before = settings_of(text)
        count = int(before.get("vcpus", "1")) + 2
        keys = (Edit("vcpus", str(count)), Edit("topology", f"1,{count},1"))
        after = write_all(text, *keys)

        assert settings_of(after) == {**before, "vcpus": str(count), "topology": f"1,{count},1"}
        assert without_owned(after, "vcpus", "topology") == without_owned(
            text, "vcpus", "topology"
        ), name


def is_addition_irreversible(root, family: str) -> bool:
    """What adding a value and removing it again does not restore."""
    made = {
        "numatune": "numatune/memory",
        "kvm-hidden": "features/kvm/hidden",
        "kvm-hint-dedicated": "features/kvm/hint-dedicated",
        "kvm-poll-control": "features/kvm/poll-control",
        "cpu-mode": "cpu[@match or @check]",
        "cpu-migratable": "cpu[@migratable]",
    }
    if family == "vcpu-cpuset":  # <vcpu> stays where it was not there
        return root.find("vcpu") is None
    if family in made and root.xpath(made[family]):  # it was there, and said nothing
        return True
    parents = [parent for path in EMPTY_PARENTS for parent in root.findall(path)]
    return any(not len(parent) and not parent.attrib for parent in parents)


#: Flags come back at libvirt's place, and a custom model without its match, check and vendor.
IRREVERSIBLE = frozenset(
    {
        "memory-locked",
        "memory-unshared",
        "kvm-hidden",
        "kvm-hint-dedicated",
        "kvm-poll-control",
        "cpu-mode",
    }
)


def is_change_irreversible(root, key: str, before: str) -> bool:
    """What changing a value and writing the old one does not restore, by the settings' own words."""
    family, _, number = key.partition(" ")
    match family:
        case "memballoon":  # model='none' has no use for an address or statistics
            balloon = root.find("devices/memballoon")
            return bool(len(balloon)) or len(balloon.attrib) > 1
        case "iothreads":  # fewer ids than iothreads, or none of them in one of the two places
            return root.find("iothreads") is None or int(root.findtext("iothreads")) != int(before)
        case "vcpusched":  # a vCPU that left its group stays apart
            return root.find(f"cputune/vcpusched[@vcpus='{number}']") is None
        case "hugepages":  # sizes come back in KiB and sorted
            pages = root.findall("memoryBacking/hugepages/page")
            return [page.get("unit") for page in pages] != ["KiB"]
        case family if family in IRREVERSIBLE:
            return True
        case _:  # a list in another notation comes back canonical
            return before == "auto" or before not in etree.tostring(root, encoding="unicode")


def is_irreversible(text: str, key: str, before: str | None) -> bool:
    root = etree.fromstring(text.encode())
    if before is None:
        return is_addition_irreversible(root, key.partition(" ")[0])
    return is_change_irreversible(root, key, before)


@pytest.mark.slow
def test_writing_the_old_value_again_restores_the_document(distinct):
    restored = irreversible = 0
    for name, text in distinct.items():
        before = settings_of(text)
        for key, value in edits(before):
            old = before.get(key)
            if (key.partition(" ")[0], old) in UNWRITABLE:
                continue
            back = write_all(text, Edit(key, value), Edit(key, old))
            if is_irreversible(text, key, old):
                irreversible += 1
                assert settings_of(back) == before, (name, key)
                assert without_owned(back, key) == without_owned(text, key), (name, key)
                continue
            assert canonical(back) == canonical(text), (name, key, old)
            restored += 1

    assert restored > 20 * irreversible > 0, (restored, irreversible)


def test_writing_the_value_that_is_there_changes_no_canonical_part(domains):
    foreign = set()
    for name, text in domains.items():
        for key, value in settings_of(text).items():
            try:
                again = write_all(text, Edit(key, value))
            except ValueError:
                foreign.add((key.partition(" ")[0], value))
                continue
            assert settings_of(again) == settings_of(text), (name, key)
            assert without_owned(again, key) == without_owned(text, key), (name, key)

    assert foreign == UNWRITABLE
