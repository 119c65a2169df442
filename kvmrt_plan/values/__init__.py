# SPDX-License-Identifier: Apache-2.0
"""Small immutable values that every layer shares: CPU sets, sizes, kernel arguments, safe text."""
