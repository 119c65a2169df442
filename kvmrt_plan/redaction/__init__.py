# SPDX-License-Identifier: Apache-2.0
"""Takes out of a snapshot what must not leave a team, and leaves every plan as it was."""
