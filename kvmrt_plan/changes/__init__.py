# SPDX-License-Identifier: Apache-2.0
"""One module per noun: the target and the facts become changes of one address each."""
