# SPDX-License-Identifier: Apache-2.0
"""Configurations checked against snapshots of their hosts, for reviews before anything reaches a host."""
