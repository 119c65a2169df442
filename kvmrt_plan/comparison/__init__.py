# SPDX-License-Identifier: Apache-2.0
"""What differs between two snapshots of a host, fact by fact."""
