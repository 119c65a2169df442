# SPDX-License-Identifier: Apache-2.0
"""A host that is a snapshot and answers as the kernel, systemd and libvirt would.

Part of the product: it is what a plan can be tried on without rights and without risk. Each behaviour it
claims is asserted by the contract tests on the real thing.
"""
