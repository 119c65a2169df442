# SPDX-License-Identifier: Apache-2.0
"""Configuration files: what is written is read again, readers agree with others, edits are small."""

from __future__ import annotations

import configparser
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from strategies import (
    configurations,
    ini_texts,
    kvmrt_configurations,
    lines,
    texts,
    vms,
)

from kvmrt_plan.desired import edit_ini, edit_yaml
from kvmrt_plan.desired.attribute import ATTRIBUTES, format_attribute
from kvmrt_plan.desired.ini_lines import lex_ini
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.desired.model import Configuration
from kvmrt_plan.desired.problems import Problems
from kvmrt_plan.desired.schema import configuration_schema, validate_document
from kvmrt_plan.errors import DesiredStateError

SCHEMA = Draft202012Validator(configuration_schema())


def load(text, file):
    configuration, findings = load_configuration(text.encode(), file=file)
    assert findings == ()
    return configuration


def parsed(text):
    return YAML(typ="safe").load(text)


@given(kvmrt_configurations())
def test_an_ini_file_that_is_written_reads_as_the_same_configuration(configuration):
    assert load(edit_ini.format_ini(configuration), "a.cfg") == configuration


@given(configurations())
def test_a_yaml_file_that_is_written_reads_as_the_same_configuration(configuration):
    assert load(edit_yaml.format_yaml(configuration), "a.yaml") == configuration


@given(configurations())
def test_ini_carries_a_configuration_exactly_or_refuses_it(configuration):
    try:
        text = edit_ini.format_ini(configuration)
    except DesiredStateError as error:
        refused = {finding.code for finding in error.findings}
    else:
        refused = {"KR007"}
        assert load(text, "a.cfg") == configuration
    assert refused == {"KR007"}


@given(kvmrt_configurations())
def test_both_formats_say_the_same(configuration):
    ini = load(edit_ini.format_ini(configuration), "a.cfg")
    assert load(edit_yaml.format_yaml(configuration), "a.yaml") == ini


@given(configurations())
def test_what_the_reader_takes_the_schema_and_pydantic_take_too(configuration):
    text = edit_yaml.format_yaml(configuration)
    document = parsed(text)
    SCHEMA.validate(document)
    assert validate_document(document) == load(text, "a.yaml")


SPELLINGS = {
    "rt": ["true", "True", "on", "OFF", "yes", "No", "1", "0", '"1"', "'oN'"],
    "rt_memory": ["auto", "AUTO", "false", "on", "0"],
    "hide_kvm": ["TRUE", "off", "'yes'"],
    "cpuset": ["4", "4-7", '" 0 , 2-3 "', '""', "0,2", "007", "1-65535"],
    "numatune": ["auto", "0", '""', "' Auto'", "0-1"],
    "cpu_topology": ["auto", "1,4,1", '" 2 , 1,1"', "01,10,1"],
    "nr_vcpus": ["1", "4096"],
    "iothreads": ["0", "null", "~", ""],
    "hugepages": ["2M", "1G", "null"],
    "vcpu_scheduler": ["{policy: fifo, priority: 99}", "null"],
    "emulator_scheduler": ["{policy: rr, priority: 1}", "~"],
    "iothread_scheduler": ["{policy: fifo, priority: 10}", ""],
    "pinning": ["auto", "libvirt"],
    "pmu": ["false", "on", "null", "0"],
    "cell_nodes": ["0", '"0,2"', "null"],
    "cpu_mode": ["host-passthrough", "null"],
    "title": ["a b", '"5"', "no", "'2021-10-12'", "2021-10", "1.2.3", "'~'", "|\n   one line\n"],
}


@given(st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in SPELLINGS.items()}))
def test_every_accepted_spelling_is_valid_for_the_schema_and_means_the_same(attributes):
    body = "".join(f"\n  {name}: {value}" for name, value in attributes.items())
    uuid = "fde74e84-0e1b-404e-90e7-72101e79c48a"
    text = f"vms:\n rt1:\n  uuid: {uuid}{body}\n"
    # A literal block keeps its line feed, which a title cannot have.
    text = text.replace("|\n", "|-\n")
    document = parsed(text)
    SCHEMA.validate(document)
    assert validate_document(document) == load(text, "a.yaml")


_INI_LINES = st.one_of(
    st.sampled_from(
        ["", "  ", "[a]", " [b]", "[c] x", "[d]e]", "x = 1", "Y: 2", "  z=3", "\tk = v", "= 1",
         "# c", "  ; c", "    more", "  # in", "key", "a = # b", "[", "\xa0x = 1", "x=\xa0y\xa0"]
    ),
    lines,
    lines.map(lambda text: f"k{len(text)} = {text}"),
    lines.map(lambda text: f"   {text}"),
)  # fmt: skip


@given(st.lists(_INI_LINES, max_size=12).map("\n".join))
def test_ini_lines_are_read_as_configparser_reads_them(text):
    parser = configparser.RawConfigParser(strict=True, default_section="\0")
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    problems = Problems("a.cfg")
    sections = {
        section.title: {entry.key: entry.value for entry in section.entries}
        for section in lex_ini(text, problems)
    }
    assert problems.findings() == ()
    assert sections == {title: dict(parser.items(title)) for title in parser.sections()}


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)), st.booleans())
def test_no_bytes_make_a_reader_fail(content, is_yaml):
    configuration, findings = load_configuration(content, file="a.yaml" if is_yaml else "a.cfg")
    assert (configuration is None) == bool(findings)
    assert all(finding.remedy and finding.source for finding in findings)
    assert all(finding.summary.isprintable() for finding in findings)


@given(configurations(), st.data())
def test_a_damaged_file_is_read_or_refused_with_a_place(configuration, data):
    text = edit_yaml.format_yaml(configuration)
    cut = data.draw(st.integers(0, len(text)))
    piece = data.draw(
        st.sampled_from(["", "\0", "*a", "&a ", "!!int ", "\t", ":", "[", "\r", "- "])
    )
    configuration, findings = load_configuration(
        (text[:cut] + piece + text[cut:]).encode(), file="a.yaml"
    )
    assert (configuration is None) == bool(findings)


@given(configurations(), vms(), st.data())
def test_a_yaml_edit_changes_what_it_should_and_keeps_the_comments(configuration, wanted, data):
    text = edit_yaml.format_yaml(configuration)
    text = text.replace("\n  ", "  # note\n  ") if "|" not in text and '"' not in text else text
    vm = data.draw(st.sampled_from(configuration.vms))
    attributes = data.draw(st.sets(st.sampled_from([*ATTRIBUTES]), min_size=1))
    taken = {one.name for one in configuration.vms if one is not vm}
    if wanted.name in taken:
        attributes -= {"name"}
    edited = edit_yaml.set_attributes(
        text, uuid=vm.uuid, values={name: format_attribute(wanted, name) for name in attributes}
    )
    changed = replace(vm, **{name: getattr(wanted, name) for name in attributes})
    assert load(edited, "a.yaml") == replace(
        configuration, vms=tuple(changed if one is vm else one for one in configuration.vms)
    )
    assert edited.count("# note") >= text.count("# note") - len(attributes) * 4


@given(kvmrt_configurations(), ini_texts, st.data())
def test_an_ini_edit_rewrites_only_the_lines_of_its_attribute(configuration, comments, data):
    text = edit_ini.format_ini(configuration).replace("\n\n[", "\n\n# next\n\n[")
    vm = data.draw(st.sampled_from(configuration.vms))
    edited = edit_ini.set_attributes(text, uuid=vm.uuid, values={"comments": comments})
    changed = replace(vm, comments=comments)
    intended = tuple(changed if one is vm else one for one in configuration.vms)
    assert load(edited, "a.cfg") == Configuration(vms=intended)
    assert edited.count("# next") == text.count("# next")
    before, after = text.split(f"[{vm.uuid}]")[0], edited.split(f"[{vm.uuid}]")[0]
    assert before == after


@given(configurations(), vms())
def test_a_vm_is_added_to_yaml_without_touching_what_is_there(configuration, vm):
    if vm.name in {one.name for one in configuration.vms}:
        return
    text = edit_yaml.format_yaml(configuration)
    longer = edit_yaml.add_vm(text, vm)
    assert longer.startswith(text)
    assert load(longer, "a.yaml") == replace(configuration, vms=(*configuration.vms, vm))


@given(kvmrt_configurations())
def test_a_vm_that_is_there_cannot_be_added_again(configuration):
    with pytest.raises(DesiredStateError):
        edit_ini.add_vm(edit_ini.format_ini(configuration), configuration.vms[0])


@given(texts, lines)
def test_a_removed_attribute_leaves_the_file_as_it_was_before_it_was_set(comments, title):
    text = "vms:\n  a:  # first\n    uuid: 00000000-0000-0000-0000-000000000001\n    # end\n"
    uuid = load(text, "a.yaml").vms[0].uuid
    values = {"comments": comments, "title": title}
    longer = edit_yaml.set_attributes(text, uuid=uuid, values=values)
    assert edit_yaml.set_attributes(longer, uuid=uuid, values=dict.fromkeys(values)) == text
