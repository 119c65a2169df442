# SPDX-License-Identifier: Apache-2.0
"""Every code with its entry: for reports that carry their own help, and for allowances."""

from __future__ import annotations

from kvmrt_plan.rules import (
    catalogue_boot,
    catalogue_domains,
    catalogue_file,
    catalogue_fleet,
    catalogue_host,
    catalogue_machine,
    catalogue_vms,
)

ENTRIES_BY_CODE = {
    entry.code: entry
    for part in (
        catalogue_boot,
        catalogue_file,
        catalogue_vms,
        catalogue_domains,
        catalogue_host,
        catalogue_machine,
        catalogue_fleet,
    )
    for entry in part.ENTRIES
}
