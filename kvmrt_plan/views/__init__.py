# SPDX-License-Identifier: Apache-2.0
"""Plans, findings and facts as text and JSON. Every text from outside is escaped here."""
