# SPDX-License-Identifier: Apache-2.0
"""Performs exactly a plan: journal first, then the writes, then proof. Touches hosts through ports only."""
