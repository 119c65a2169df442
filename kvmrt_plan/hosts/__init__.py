# SPDX-License-Identifier: Apache-2.0
"""The only code that touches a host: capture of a snapshot, the live host, the simulated host."""
