# SPDX-License-Identifier: Apache-2.0
"""Nothing private stays in a redacted snapshot, and nothing else goes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kvmrt_plan.domainxml.document import parse_domain, read_settings
from kvmrt_plan.errors import DomainXmlError
from kvmrt_plan.facts.document import dump_snapshot, load_snapshot
from kvmrt_plan.facts.snapshot import RawDomain, RawLibvirt, Snapshot
from kvmrt_plan.hosts.captured_paths import CHECK_PATTERNS, PATTERNS
from kvmrt_plan.redaction.files import RULES
from kvmrt_plan.redaction.redact import redact, replaced_names

UUID = "6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c01"
SECRETS = (
    "WD-WCC4N1", "52:54:00:aa:bb:01", "tiger", "/srv/customer", "10.1.2.3", "fd00:12::7", "storage7",
    "alice", "lab-rt-7", "f9a3", "4f1d6a52", "S3CRET", "0a1b2c3d4e5f", "product-serial", "example.org",
    "pool-of-acme", "note of a person",
)  # fmt: skip
DOMAIN = f"""\
<domain type='kvm'>
  <name>rt1</name>
  <uuid>{UUID}</uuid>
  <genid>4f1d6a52-0000-4000-8000-000000000001</genid>
  <metadata>
    <x:owner xmlns:x="urn:x" mail="alice@example.org">alice</x:owner>
  </metadata>
  <memory unit='KiB'>1048576</memory>
  <memoryBacking>
    <locked/>
  </memoryBacking>
  <vcpu placement='static' cpuset='1-3'>2</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='2'/>
  </cputune>
  <sysinfo type='smbios'>
    <system>
      <entry name='serial'>product-serial</entry>
      <entry name='uuid'>4f1d6a52-0000-4000-8000-000000000002</entry>
    </system>
  </sysinfo>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/srv/customer/vmlinuz</kernel>
    <cmdline>password=S3CRET</cmdline>
  </os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/srv/customer/disk.qcow2'/>
      <target dev='vda' bus='virtio'/>
      <serial>WD-WCC4N1</serial>
    </disk>
    <disk type='network' device='disk'>
      <auth username='alice'>
        <secret type='ceph' uuid='4f1d6a52-0000-4000-8000-000000000003'/>
      </auth>
      <source protocol='rbd' name='pool-of-acme/image'>
        <host name='storage7.example.org' port='6789'/>
        <host name='fd00:12::7'/>
      </source>
      <target dev='vdb' bus='virtio'/>
    </disk>
    <interface type='bridge'>
      <mac address='52:54:00:aa:bb:01'/>
      <source bridge='br0'/>
      <filterref filter='clean-traffic'>
        <parameter name='IP' value='10.1.2.3'/>
      </filterref>
    </interface>
    <graphics type='vnc' port='5900' listen='10.1.2.3' passwd='tiger'/>
    <future-device owner='alice'>note of a person</future-device>
    <!-- note of a person -->
  </devices>
  <qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
    <qemu:arg value='secret=S3CRET'/>
  </qemu:commandline>
</domain>
"""
FILES = {
    "/proc/cmdline": "root=UUID=4f1d6a52-1111-4000-8000-0000000000aa ro isolcpus=4-7 "
    "ip=10.1.2.3::::lab-rt-7:eth0 rd.iscsi.password=S3CRET systemd.hostname=lab-rt-7 quiet "
    'foo="note of a person"\n',
    "/proc/version": "Linux version 6.1.0-rt (alice@lab-rt-7) (gcc-12) #1 SMP PREEMPT_RT\n",
    "/proc/sys/kernel/hostname": "lab-rt-7\n",
    "/proc/sys/kernel/random/boot_id": "4f1d6a52-2222-4000-8000-0000000000aa\n",
    "/proc/812/cmdline": f"/usr/bin/qemu\0-name\0guest=rt1,x=1\0-uuid\0{UUID}\0-vnc\0"
    "10.1.2.3:0,password=tiger\0-drive\0file=/srv/customer/disk.qcow2\0",
    "/proc/812/status": "Name:\tqemu\nUid:\t107\t107\t107\t107\nVmLck:\t       8 kB\n",
    "/etc/default/grub": '# alice\nGRUB_CMDLINE_LINUX="root=/dev/lab-rt-7 isolcpus=4-7"\n',
    "/etc/default/irqbalance": "# note of a person\nIRQBALANCE_BANNED_CPULIST=4-7\n",
    "/etc/systemd/system/kvmrt.service": "ExecStart=/home/Alice/bin/kvmrt boot -f /etc/lab-rt-7.cfg\n",
    "/etc/somewhere/else": "note of a person\n",
    "/run/kvmrt/held.json": '{"boot_id": "4f1d6a52-2222-4000-8000-0000000000aa"}',
    "/boot/loader/entries/4f1d6a5222224000800000000000f9a3-6.1.conf": "title note of a person\n"
    "linux /4f1d6a5222224000800000000000f9a3/vmlinuz\noptions root=/dev/lab-rt-7 nohz_full=4-7\n",
    "/sys/fs/cgroup/alice.slice/cpuset.cpus": "0-3\n",
    "/sys/fs/cgroup/system.slice/cpuset.cpus": "0-3\n",
    "/sys/kernel/irq/45/actions": "enx0a1b2c3d4e5f\n",
    "/sys/bus/pci/devices/0000:3b:00.0/net/enx0a1b2c3d4e5f/ifindex": "2\n",
}  # fmt: skip


def domain(xml: str = DOMAIN) -> RawDomain:
    return RawDomain(
        uuid=UUID, name="rt1", state="shut off", persistent=True, autostart=False, xml=xml,
        live_xml="",
    )  # fmt: skip


def host(xml: str = DOMAIN) -> Snapshot:
    return Snapshot(
        name="lab-rt-7",
        captured="2026-11-22T10:12:00Z",
        files=FILES,
        links={"/proc/irq/45/enx0a1b2c3d4e5f": ""},
        libvirt=RawLibvirt(uri="qemu+ssh://alice@lab-rt-7/system", domains=(domain(xml),)),
    )


def test_no_secret_stays():
    text = dump_snapshot(redact(host()))

    assert [secret for secret in SECRETS if secret.lower() in text.lower()] == []
    assert all(secret.lower() in dump_snapshot(host()).lower() for secret in SECRETS)


def test_what_a_plan_reads_stays():
    left = redact(host())

    assert left.files["/proc/cmdline"] == (
        "root=redacted ro isolcpus=4-7 ip=redacted rd.iscsi.password=redacted "
        "systemd.hostname=redacted quiet foo=redacted\n"
    )
    assert left.files["/proc/812/cmdline"] == f"qemu\0-name\0guest=rt1\0-uuid\0{UUID}\0"
    assert left.files["/proc/812/status"] == "Name:\tqemu\nVmLck:\t       8 kB\n"
    assert left.files["/etc/default/grub"] == 'GRUB_CMDLINE_LINUX="root=redacted isolcpus=4-7"\n'
    assert left.files["/etc/default/irqbalance"] == "IRQBALANCE_BANNED_CPULIST=4-7\n"
    assert left.files["/sys/fs/cgroup/system.slice/cpuset.cpus"] == "0-3\n"
    (xml,) = (one.xml for one in left.libvirt.domains)
    kept, before = (read_settings(parse_domain(one, domain="rt1")) for one in (xml, DOMAIN))
    assert kept == before


def test_the_snapshot_says_what_was_replaced():
    left = redact(host())
    document = json.loads(dump_snapshot(left))

    assert document["format_version"] == "1.1"
    assert document["redacted"] == {
        "boot-arguments": 7, "boot-files": 2, "comments": 2, "device-values": 11, "files": 1,
        "guest-arguments": 1,
        "host-names": 4, "mac-addresses": 1, "metadata": 4, "names": 2, "passwords": 1, "paths": 2,
        "serials": 1, "user-names": 3, "uuids": 6,
    }  # fmt: skip
    assert load_snapshot(dump_snapshot(left), file="x") == left


def test_a_redacted_snapshot_stays_as_it_is():
    once = redact(host(), name="rt-lab")

    assert redact(once, name="rt-lab") == once
    assert once.name == "rt-lab"


def test_the_same_place_gets_the_same_value_whatever_it_holds():
    changed = DOMAIN.replace("52:54:00:aa:bb:01", "52:54:00:aa:bb:99").replace("disk.q", "other.q")

    assert redact(host(changed)).libvirt == redact(host()).libvirt


def test_names_of_units_do_not_depend_on_their_neighbours():
    more = replace(host(), files={**FILES, "/sys/fs/cgroup/aaron.slice/cpuset.cpus": "0-3\n"})

    assert replaced_names(host()).items() < replaced_names(more).items()
    assert set(replaced_names(host())) == {"alice.slice", "enx0a1b2c3d4e5f"}


def test_slices_that_kvmrt_makes_keep_their_names():
    slice_of_vm = f"/sys/fs/cgroup/kvmrt{UUID.replace('-', '')}.slice/cpuset.cpus"
    left = redact(replace(host(), files={slice_of_vm: "2-3\n"}))

    assert left.files == {slice_of_vm: "2-3\n"}


def test_a_boot_can_still_be_told_from_another():
    held, boot = "/run/kvmrt/held.json", "/proc/sys/kernel/random/boot_id"
    left = redact(host()).files
    other = redact(replace(host(), files={**FILES, boot: "5f1d6a52-2222-4000-8000-0000000000aa\n"}))

    assert left[boot].strip() in left[held]
    assert other.files[boot] != left[boot]


def sample(pattern: str) -> str:
    """A path that a pattern of captured_paths.py captures."""
    return pattern.partition("|")[0].replace("*", "x").replace("#", "1")


@pytest.mark.parametrize("pattern", [*PATTERNS, *CHECK_PATTERNS])
def test_every_captured_file_that_people_write_has_a_rule(pattern):
    left = redact(replace(host(), files={sample(pattern): ""}))
    rules = [one for one, _ in RULES if one.match(sample(pattern))]
    is_written = sample(pattern).startswith(("/etc/", "/boot/", "/run/"))

    assert left.files == {sample(pattern): ""}
    assert rules or not is_written or pattern.endswith("/") or pattern == "/run/ostree-booted"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("/boot/grub/grub.cfg",
         "### BEGIN /etc/grub.d/10_linux ###\nmenuentry 'x' {\n\tlinux /vmlinuz root=/dev/sda1 ro\n}\n",
         "### BEGIN /etc/grub.d/10_linux ###\n\tlinux /vmlinuz root=redacted ro\n"),
        ("/boot/grub2/grubenv", "# x\nsaved_entry=0\nkernelopts=root=/dev/sda1 ro\n",
         "kernelopts=root=redacted ro\n"),
        ("/etc/tuned/bootcmdline", '# x\nTUNED_BOOT_CMDLINE="foo=bar quiet"\n',
         'TUNED_BOOT_CMDLINE="foo=redacted quiet"\n'),
        ("/etc/default/grub.d/60-kvmrt.cfg",
         'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT isolcpus=2-3 a=/b"  # kvmrt\n',
         'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT isolcpus=2-3 a=redacted"  # kvmrt\n'),
        ("/boot/loader/entries/x.conf", "title t\nversion 6.1\noptions $kernelopts root=/x quiet\n",
         "version 6.1\noptions $kernelopts root=redacted quiet\n"),
        ("/etc/kernel/kvmrt.arguments", "# ours\nfoo=bar\n", "# ours\nfoo=bar\n"),
    ],
)  # fmt: skip
def test_files_of_boot_loaders_keep_the_lines_that_plans_read(path, text, expected):
    assert redact(replace(host(), files={path: text})).files[path] == expected


def test_a_boot_argument_that_kvmrt_has_written_stays_wherever_it_is():
    files = {
        "/etc/kernel/cmdline": "root=/dev/sda1 foo=/bar\n",
        "/etc/kernel/kvmrt.arguments": "foo=/bar\n",
        "/proc/cmdline": "root=/dev/sda1 foo=/bar\n",
    }
    left = redact(replace(host(), files=files)).files

    assert left["/proc/cmdline"] == left["/etc/kernel/cmdline"] == "root=redacted foo=/bar\n"


def test_xml_that_cannot_be_read_is_refused_because_nobody_knows_what_is_in_it():
    with pytest.raises(DomainXmlError, match="not well-formed"):
        redact(host("<domain"))
