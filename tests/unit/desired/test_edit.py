# SPDX-License-Identifier: Apache-2.0
"""Edits change the lines they must, and keep comments and layout."""

from __future__ import annotations

import difflib
from uuid import UUID

import pytest

from kvmrt_plan.desired import edit_ini, edit_yaml
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.desired.model import Configuration, GuestTopology, HostPolicy, ShieldBackend
from kvmrt_plan.desired.model import VirtualMachine as Vm
from kvmrt_plan.errors import DesiredStateError
from kvmrt_plan.values.cpuset import CpuSet

FIRST = UUID("fde74e84-0e1b-404e-90e7-72101e79c48a")
SECOND = UUID("0d1f3a52-7c1e-4d86-9f0a-6b9d7f3c2e11")

INI = f"""\
# my machines
[{FIRST}]  ; the first
name      = rt1
nr_vcpus  : 4
rt        = True

comments  = one
   # a note amid the text
   two

# the second
[{str(SECOND).upper()}]
\tName=rt2
\tcpuset=3
"""

YAML = f"""\
# my machines
vms:
    "rt é":   # the first
        uuid:   {FIRST}  # identity
        comments: |  # notes
            one
              two

        # size
        nr_vcpus: 4   # four
        vcpu_scheduler:
            priority: 1
            policy: fifo  # first in
        title: 'a
          b'  # folded

    # the second
    rt2: {{uuid: "{SECOND}", rt: true, cpuset: 4-7}}  # flow

# end
host:
  shield: none
"""


def changes(before, after):
    """The lines that differ, as a diff without its head."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def edited_ini(uuid, **values):
    return changes(INI, edit_ini.set_attributes(INI, uuid=uuid, values=values))


def edited_yaml(uuid, **values):
    return changes(YAML, edit_yaml.set_attributes(YAML, uuid=uuid, values=values))


def test_an_ini_value_keeps_its_delimiter_and_alignment():
    assert edited_ini(FIRST, nr_vcpus="5") == ["-nr_vcpus  : 4", "+nr_vcpus  : 5"]
    assert edited_ini(SECOND, name="rt3") == ["-\tName=rt2", "+\tName=rt3"]


def test_a_new_ini_attribute_looks_like_its_neighbour_and_stands_in_the_guides_order():
    assert edited_ini(FIRST, title="a = b: #") == ["+title     = a = b: #"]
    assert edited_ini(SECOND, rt="true", title="") == ["+\ttitle=", "+\trt=true"]


def test_a_comment_amid_a_rewritten_ini_value_stays():
    assert edited_ini(FIRST, comments="three\n\nfour") == [
        "-comments  = one",
        "+comments  = three",
        "+",
        "+            four",
        "-   two",
    ]


def test_a_removed_ini_attribute_takes_only_its_lines():
    assert edited_ini(FIRST, rt=None) == ["-rt        = True"]
    assert edited_ini(FIRST, hide_kvm=None) == []


@pytest.mark.parametrize("text", ["a\n# b", "; a\n ; b", "a\n", "  a", "a\n  b", "a \nb"])
def test_what_ini_cannot_carry_is_refused(text):
    with pytest.raises(DesiredStateError) as caught:
        edit_ini.set_attributes(INI, uuid=FIRST, values={"comments": text})
    assert [finding.code for finding in caught.value.findings] == ["KR007"]


def test_all_that_ini_cannot_carry_is_named_at_once():
    configuration = Configuration(
        host=HostPolicy(shield=ShieldBackend.NONE),
        vms=(Vm(uuid=FIRST, name="rt1", iothreads=2, comments=" x"), Vm(uuid=SECOND, name="rt2")),
    )
    with pytest.raises(DesiredStateError) as caught:
        edit_ini.format_ini(configuration)
    assert [finding.summary for finding in caught.value.findings] == [
        "INI has no host part",
        "rt1: comments ' x' cannot be written in this file's format",
        "rt1: iothreads '2' cannot be written in this file's format",
    ]


def test_a_new_ini_file_looks_like_the_guides_example():
    vm = Vm(
        uuid=FIRST,
        name="rt1",
        nr_vcpus=4,
        cpuset=CpuSet(range(1, 6)),
        rt=True,
        comments="remember\nboth",
    )
    assert edit_ini.format_ini(Configuration(vms=(vm,))) == (
        f"[{FIRST}]\nname = rt1\nnr_vcpus = 4\ncpu_topology = auto\ncpuset = 1-5\nrt = true\n"
        "rt_memory = auto\nnumatune = auto\nhide_kvm = false\nautostart = true\n"
        "comments = remember\n           both\n"
    )


def test_a_vm_is_added_below_the_others_in_ini():
    vm = Vm(uuid=UUID(int=5), name="rt3")
    longer = edit_ini.add_vm(INI, vm)
    assert longer.startswith(INI + f"\n[{vm.uuid}]\nname = rt3\n")
    assert edit_ini.add_vm("# nothing\n", vm).startswith("# nothing\n\n[")


def test_a_yaml_value_keeps_spacing_and_comment():
    assert edited_yaml(FIRST, nr_vcpus="5", vcpu_scheduler="rr,9", name="yes") == [
        '-    "rt é":   # the first',
        '+    "yes":   # the first',
        "-        nr_vcpus: 4   # four",
        "+        nr_vcpus: 5   # four",
        "-            priority: 1",
        "-            policy: fifo  # first in",
        "+            priority: 9",
        "+            policy: rr  # first in",
    ]


def test_a_yaml_text_becomes_a_block_or_a_word_and_keeps_its_comment():
    assert edited_yaml(FIRST, comments="x\n\ny", title="no") == [
        "-        comments: |  # notes",
        "-            one",
        "-              two",
        "+        comments: |-  # notes",
        "+          x",
        "+",
        "+          y",
        "-        title: 'a",
        "-          b'  # folded",
        '+        title: "no"  # folded',
    ]


def test_a_new_yaml_attribute_follows_the_one_before_it():
    assert edited_yaml(FIRST, cpuset="0,2", cpu_topology="1,4,1", iothreads="0") == [
        '+        cpu_topology: "1,4,1"',
        '+        cpuset: "0,2"',
        "+        iothreads: 0",
    ]


def test_a_removed_yaml_attribute_takes_only_its_lines():
    assert edited_yaml(FIRST, comments=None, vcpu_scheduler=None, rt=None) == [
        "-        comments: |  # notes",
        "-            one",
        "-              two",
        "-        vcpu_scheduler:",
        "-            priority: 1",
        "-            policy: fifo  # first in",
    ]


def test_a_vm_in_braces_stays_in_braces():
    before = f'-    rt2: {{uuid: "{SECOND}", rt: true, cpuset: 4-7}}  # flow'
    assert edited_yaml(SECOND, rt=None, title="a\nb".replace("\n", " "), cpuset="") == [
        before,
        f'+    rt2: {{uuid: "{SECOND}", title: "a b", cpuset: ""}}  # flow',
    ]


VM = Vm(
    uuid=UUID(int=5), name="10", rt=True, cpu_topology=GuestTopology(1, 1, 1), comments="a\nb\n"
)
VM_LINES = """\
"10":
  uuid: 00000000-0000-0000-0000-000000000005
  cpu_topology: "1,1,1"
  rt: true
  comments: |
    a
    b
"""


def indented(text, blanks):
    return "".join(" " * blanks + line for line in text.splitlines(keepends=True))


def test_a_vm_is_added_below_the_others_in_yaml():
    place = YAML.index("\n# end")
    assert edit_yaml.add_vm(YAML, VM) == YAML[:place] + indented(VM_LINES, 4) + YAML[place:]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "vms:\n{}"),
        ("# notes", "# notes\nvms:\n{}"),
        ("vms:\n", "vms:\n{}"),
        ("vms: {}  # none yet\nhost:\n", "vms:  # none yet\n{}host:\n"),
        ("vms: null\n", "vms:\n{}"),
        ("host: {}", "host: {}\nvms:\n{}"),
    ],
)
def test_the_first_vm_of_a_yaml_file(before, after):
    place = after.rindex("{}")
    expected = after[:place] + indented(VM_LINES, 2) + after[place + 2 :]
    assert edit_yaml.add_vm(before, VM) == expected


@pytest.mark.parametrize(
    "before",
    [
        '{"host": {"shield": "none"}}',
        '{"host": {}, "vms": {}}',
        f'{{"vms": {{"a": {{"uuid": "{FIRST}"}}}}}}',
    ],
)
def test_a_json_document_stays_json(before):
    import json

    document = json.loads(edit_yaml.add_vm(before, VM))
    assert document["vms"]["10"] == {
        "uuid": str(VM.uuid),
        "cpu_topology": "1,1,1",
        "rt": True,
        "comments": "a\nb\n",
    }


def test_a_new_yaml_file_names_its_schema_and_only_what_differs_from_the_defaults():
    configuration = Configuration(host=HostPolicy(shield=ShieldBackend.NONE), vms=(VM,))
    assert edit_yaml.format_yaml(configuration, schema="../schemas/config.schema.json") == (
        "# yaml-language-server: $schema=../schemas/config.schema.json\nversion: 1\nhost:\n"
        "  shield: none\nvms:\n" + indented(VM_LINES, 2)
    )


@pytest.mark.parametrize(("edit", "text"), [(edit_ini, INI), (edit_yaml, YAML)])
def test_an_edit_with_a_bad_value_names_all_of_them(edit, text):
    values = {"nr_vcpus": "0", "cpuset": "4-", "title": "fine"}
    with pytest.raises(DesiredStateError) as caught:
        edit.set_attributes(text, uuid=FIRST, values=values, file="f")
    assert [finding.code for finding in caught.value.findings] == ["KR007", "KR008"]


@pytest.mark.parametrize(("edit", "text"), [(edit_ini, INI), (edit_yaml, YAML)])
def test_an_edit_of_what_is_not_there_is_a_mistake_of_the_caller(edit, text):
    with pytest.raises(KeyError):
        edit.set_attributes(text, uuid=UUID(int=9), values={"rt": "true"})
    with pytest.raises(KeyError):
        edit.set_attributes(text, uuid=FIRST, values={"memory": "4"})


@pytest.mark.parametrize(
    ("edit", "text"), [(edit_ini, "[x]\nname = a\n"), (edit_yaml, "vms: [a]\n")]
)
def test_a_file_with_faults_is_not_edited(edit, text):
    with pytest.raises(DesiredStateError):
        edit.set_attributes(text, uuid=FIRST, values={"rt": "true"})
    with pytest.raises(DesiredStateError):
        edit.add_vm(text, VM)


def test_the_texts_of_these_tests_are_good_files():
    for text, file in ((INI, "a.cfg"), (YAML, "a.yaml")):
        assert load_configuration(text.encode(), file=file)[1] == ()
