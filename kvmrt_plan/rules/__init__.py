# SPDX-License-Identifier: Apache-2.0
"""Findings: every rule a configuration must keep on a host, with a stable code. Decides nothing else."""
