# SPDX-License-Identifier: Apache-2.0
"""Descriptions of VMs in other projects' files, read as the beginning of a configuration."""
