# SPDX-License-Identifier: Apache-2.0
"""Actions, their order, and the plan document. Never touches a host."""
