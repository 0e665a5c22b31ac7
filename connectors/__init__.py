"""Connectors, one folder each; folders `connectors` elsewhere on the path of imports count as well."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
