# SPDX-License-Identifier: Apache-2.0
"""What the host shows now: frozen values parsed from the raw texts of a snapshot. Reads nothing itself."""
