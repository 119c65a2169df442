# SPDX-License-Identifier: Apache-2.0
"""Findings about a configuration on a host: what its rules forbid or advise against."""
