# SPDX-License-Identifier: Apache-2.0
"""argv to a request, the exit code, and the host that is handed down."""
