# SPDX-License-Identifier: Apache-2.0
"""A declarative reconcile engine that makes a Linux machine a host for real-time virtual machines."""

__version__ = "0.1.0"
