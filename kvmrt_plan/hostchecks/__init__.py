# SPDX-License-Identifier: Apache-2.0
"""Whether a host is fit for real-time VMs: a table of checks, each with its remedy; nothing is changed."""
