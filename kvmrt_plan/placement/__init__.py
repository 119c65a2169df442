# SPDX-License-Identifier: Apache-2.0
"""Which logical CPU and NUMA node does what; a pure allocation."""
