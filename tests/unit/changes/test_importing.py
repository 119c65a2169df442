# SPDX-License-Identifier: Apache-2.0
"""libvirt's domains into a configuration: the plan is empty then, and the file says no more than it must."""

from __future__ import annotations

from dataclasses import replace

import pytest
from domain_corpus import is_domain, read_corpus
from facts_builders import domain_xml, make_domain, make_host, uuid

from kvmrt_plan.changes.change import Change
from kvmrt_plan.changes.collect import collect_changes
from kvmrt_plan.changes.importing import Difference, Outcome, import_domains
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.desired.model import Configuration
from kvmrt_plan.domainxml.document import parse_domain, read_settings
from kvmrt_plan.placement.place import place
from kvmrt_plan.rules.check import check

FILES = ("kvmrt.yaml", "kvmrt.cfg")
PINS = (
    "<cputune><emulatorpin cpuset='1'/><vcpupin vcpu='0' cpuset='2'/>"
    "<vcpupin vcpu='1' cpuset='3'/></cputune>"
)


def host_with(*domains):
    return make_host(sockets=2, cores=16, threads=2, nodes=2, domains=domains)


def xml(number: int, name: str, inner: str, *, vcpus: int = 2) -> str:
    text = domain_xml(number, name, inner=inner)
    return text.replace("<vcpu>1</vcpu>", f"<vcpu>{vcpus}</vcpu>")


def load(text: str, file: str) -> Configuration:
    configuration, findings = load_configuration(text.encode(), file=file)
    assert findings == ()
    assert configuration is not None
    return configuration


def changes(configuration: Configuration, facts) -> list[Change]:
    found = collect_changes(configuration, facts, place(configuration, facts))
    return [one for one in found if isinstance(one, Change)]


def imported(file: str, facts, *, text: str = "", updates: bool = False):
    configuration = load(text, file) if text else Configuration(file=file)
    return import_domains(text, configuration, facts.domains.values(), facts, updates=updates)


@pytest.mark.parametrize("file", FILES)
def test_after_an_import_the_plan_is_empty_for_every_document(shared_data, file):
    refused = []
    texts = {text: name for name, text in read_corpus(shared_data).items() if is_domain(text)}
    for text, document in texts.items():
        name = read_settings(parse_domain(text, domain="x")).get("name", "none")
        facts = host_with(make_domain(1, name, xml=text))
        done = imported(file, facts)
        if done.domains[0].outcome is Outcome.REFUSED:
            refused.append(done.domains[0].finding.summary)
            continue
        configuration = load(done.text, file)
        assert changes(configuration, facts) == [], document
        severities = {one.severity for one in check(configuration, facts, None)}
        assert severities <= {"advice"}, document

    slash = "libvirt refuses a slash in a domain's name"
    assert len([summary for summary in refused if slash in summary]) == 1
    # Its description has lines that begin with blanks, for which INI has no notation.
    assert len(refused) == (1 if file == "kvmrt.yaml" else 2)
    assert len(texts) > 800


def test_a_yaml_file_says_what_differs_from_the_defaults():
    inner = f"""
        <title>Plant</title><memoryBacking><locked/></memoryBacking>{PINS}
        <numatune><memory mode='interleave' nodeset='0'/></numatune>
        <cpu><topology sockets='2' cores='1' threads='1'/></cpu>
        <features><kvm><hidden state='on'/></kvm></features>"""
    facts = host_with(
        make_domain(1, "rt1", xml=xml(1, "rt1", inner), has_autostart=True),
        make_domain(2, "web"),
    )
    done = imported("kvmrt.yaml", facts)

    assert (
        done.text
        == f"""\
vms:
  rt1:
    uuid: {uuid(1)}
    title: Plant
    nr_vcpus: 2
    cpu_topology: "2,1,1"
    cpuset: 1-3
    rt_memory: true
    numatune: 0
    hide_kvm: true
  web:
    uuid: {uuid(2)}
    autostart: false
"""
    )
    assert [one.outcome for one in done.domains] == [Outcome.ADDED, Outcome.ADDED]


@pytest.mark.parametrize(
    "pins",
    [
        "<cputune><vcpupin vcpu='0' cpuset='2'/></cputune>",
        "<cputune><emulatorpin cpuset='2-3'/></cputune>",
        PINS.replace("cpuset='3'", "cpuset='2-3'"),
        PINS.replace("<emulatorpin cpuset='1'/>", "<emulatorpin cpuset='9'/>"),
        f"{PINS}<iothreads>1</iothreads>",
        f"{PINS}<numatune><memory mode='strict' placement='auto'/></numatune>",
        "<numatune><memory mode='strict' nodeset='1'/></numatune>",
    ],
)
@pytest.mark.parametrize("file", FILES)
def test_what_no_cpuset_can_say_stays_in_libvirt(file, pins):
    facts = host_with(make_domain(1, "vm", xml=xml(1, "vm", pins)))
    configuration = load(imported(file, facts).text, file)

    assert str(configuration.vms[0].cpuset) == ""
    assert changes(configuration, facts) == []


@pytest.mark.parametrize("file", FILES)
def test_pins_that_a_cpuset_made_go_when_the_cpuset_goes(file):
    facts = host_with(make_domain(1, "vm", xml=xml(1, "vm", PINS)))
    configuration = load(imported(file, facts).text, file)
    without = replace(configuration.vms[0], cpuset=type(configuration.vms[0].cpuset)())

    assert str(configuration.vms[0].cpuset) == "1-3"
    assert sorted(one.address for one in changes(Configuration(vms=(without,)), facts)) == [
        "vm/vm/emulatorpin", "vm/vm/vcpupin 0", "vm/vm/vcpupin 1",
    ]  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_levels_within_a_socket_are_part_of_its_cores(file):
    cpu = "<cpu><topology sockets='1' dies='2' cores='2' threads='1'/></cpu>"
    facts = host_with(make_domain(1, "vm", xml=xml(1, "vm", cpu, vcpus=4)))
    configuration = load(imported(file, facts).text, file)

    assert configuration.vms[0].cpu_topology is None
    assert changes(configuration, facts) == []


KEPT = f"""\
# our machines
[{uuid(1)}]
name     = rt1     
; the shielded ones
cpuset   = 1-3
nr_vcpus = 2
rt       = yes
cpu_topology = auto
numatune =
comments = mind
           the gap
"""  # noqa: W291  a blank that must survive


TOPOLOGY = "<cpu><topology sockets='1' cores='2' threads='1'/></cpu>"
RT = (
    f"{PINS}{TOPOLOGY}<memoryBacking><locked/></memoryBacking>"
    "<devices><memballoon model='none'/></devices>"
)


def test_those_that_are_there_are_left_alone_unless_asked():
    facts = host_with(make_domain(1, "rt1", xml=xml(1, "rt1", RT)))
    done = imported("kvmrt.cfg", facts, text=KEPT)

    assert done.text == KEPT
    assert [one.outcome for one in done.domains] == [Outcome.PRESENT]


def test_an_update_without_a_difference_leaves_every_byte():
    facts = host_with(make_domain(1, "rt1", xml=xml(1, "rt1", RT)))
    done = imported("kvmrt.cfg", facts, text=KEPT, updates=True)

    assert done.text == KEPT
    assert [one.outcome for one in done.domains] == [Outcome.PRESENT]


def test_an_update_changes_the_lines_of_what_differs():
    inner = RT.replace("vcpu='1' cpuset='3'", "vcpu='1' cpuset='4'") + "<title>New</title>"
    facts = host_with(make_domain(1, "renamed", xml=xml(1, "renamed", inner)))
    done = imported("kvmrt.cfg", facts, text=KEPT, updates=True)

    assert done.text == KEPT.replace("rt1     ", "renamed\ntitle    = New").replace(
        "cpuset   = 1-3", "cpuset   = 1-2,4"
    )
    assert done.domains[0].differences == (
        Difference(attribute="name", before="rt1", after="renamed"),
        Difference(attribute="title", before="", after="New"),
        Difference(attribute="cpuset", before="1-3", after="1-2,4"),
    )
    assert changes_of_definition(done.text, facts) == ["vm/renamed/partition"]


def changes_of_definition(text: str, facts) -> list[str]:
    found = changes(load(text, "kvmrt.cfg"), facts)
    return [one.address for one in found if one.address.startswith("vm/")]


def test_real_time_is_the_users_word_and_what_it_asks_for_stays_in_the_plan():
    facts = host_with(make_domain(1, "rt1", xml=xml(1, "rt1", PINS + TOPOLOGY), has_autostart=True))
    done = imported("kvmrt.cfg", facts, text=KEPT, updates=True)

    assert done.text == KEPT
    assert done.domains[0].left_over == (
        "autostart on -> off",
        "memory-locked absent -> yes",
        "memballoon absent -> none",
    )
    assert changes_of_definition(done.text, facts) == [
        "vm/rt1/autostart", "vm/rt1/memory-locked", "vm/rt1/memballoon", "vm/rt1/partition",
    ]  # fmt: skip


def test_further_attributes_that_a_vm_manages_are_updated():
    text = f"""\
vms:
  vm:
    uuid: {uuid(1)}
    autostart: false
    hugepages: 2M  # small ones
    iothreads: 1
    vcpu_scheduler: {{policy: fifo, priority: 1}}
    emulator_scheduler: {{policy: fifo, priority: 1}}
"""
    inner = (
        "<memoryBacking><hugepages><page size='1' unit='GiB'/></hugepages></memoryBacking>"
        "<cputune><vcpusched vcpus='0' scheduler='rr' priority='5'/>"
        "<emulatorsched scheduler='fifo' priority='7'/></cputune>"
    )
    facts = host_with(make_domain(1, "vm", xml=xml(1, "vm", inner, vcpus=1)))
    done = imported("kvmrt.yaml", facts, text=text, updates=True)

    assert done.text == text.replace("2M", "1G").replace("iothreads: 1", "iothreads: 0").replace(
        "vcpu_scheduler: {policy: fifo, priority: 1", "vcpu_scheduler: {policy: rr, priority: 5"
    ).replace("fifo, priority: 1", "fifo, priority: 7")
    assert changes(load(done.text, "kvmrt.yaml"), facts) == []


@pytest.mark.parametrize(
    ("domain", "file", "said"),
    [
        (make_domain(2, "rt1"), "kvmrt.cfg", f"another VM of the file has its name, {uuid(1)}"),
        (make_domain(2, "x", xml=xml(2, "x", "<description>\n  a</description>")), "kvmrt.cfg",
         "description '\\x0a  a' cannot be written in this file's format"),
        (make_domain(2, "x", xml=xml(2, "x", "<title>a\u202eb</title>")), "kvmrt.cfg",
         "its title holds characters that no configuration may hold"),
        (make_domain(2, "x", xml="<domain"), "kvmrt.cfg", "its XML is not well-formed at line 1"),
        (make_domain(2, " x", xml=xml(2, " x", "")), "kvmrt.cfg",
         "a name neither begins nor ends with a blank"),
    ],
)  # fmt: skip
def test_a_domain_that_the_file_cannot_say_is_named_and_the_others_are_taken(domain, file, said):
    facts = host_with(domain, make_domain(3, "web"))
    done = imported(file, facts, text=KEPT)
    outcomes = {one.uuid: one for one in done.domains}

    assert outcomes[str(uuid(3))].outcome is Outcome.ADDED
    refused = outcomes[str(uuid(2))]
    assert refused.outcome is Outcome.REFUSED
    assert said in refused.finding.summary
    assert (refused.finding.code, refused.finding.severity) == ("KR012", "error")
    assert [str(vm.uuid) for vm in load(done.text, file).vms] == [str(uuid(1)), str(uuid(3))]


def test_a_transient_domain_has_nothing_to_take_over():
    facts = host_with(make_domain(1, "vm", running=True, is_persistent=False, xml=""))
    done = imported("kvmrt.yaml", facts)

    assert (done.text, [one.outcome for one in done.domains]) == ("", [Outcome.TRANSIENT])
