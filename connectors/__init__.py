"""Connectors, one folder each; those in the folders that `GATEWAY_CONNECTORS` names count as well."""

import os

__path__ += [folder for folder in os.environ.get("GATEWAY_CONNECTORS", "").split(os.pathsep) if folder]
