# SPDX-License-Identifier: Apache-2.0
"""Element-wise edits on libvirt domain XML; what is not owned survives untouched."""
