# SPDX-License-Identifier: Apache-2.0
"""What the host shows now: frozen values parsed from a snapshot's raw texts. Reads nothing itself."""
