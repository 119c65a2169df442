# SPDX-License-Identifier: Apache-2.0
"""What the configuration asks: models, and the INI and YAML readers that fill them. Never looks at a host."""
