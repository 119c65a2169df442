# SPDX-License-Identifier: Apache-2.0
"""One small configuration and host per finding: a table that both the tests of the rules and the test
of the catalogue read, so that no code is without an example.
"""

from __future__ import annotations

import rule_cases_boot
import rule_cases_cpus
import rule_cases_domains
import rule_cases_host
import rule_cases_hotplug
import rule_cases_machine
import rule_cases_memory
import rule_cases_shield
import rule_cases_writers
from rule_case import CASES

MODULES = (
    rule_cases_boot,
    rule_cases_cpus,
    rule_cases_domains,
    rule_cases_host,
    rule_cases_hotplug,
    rule_cases_machine,
    rule_cases_memory,
    rule_cases_shield,
    rule_cases_writers,
)

__all__ = ["CASES", "MODULES"]
