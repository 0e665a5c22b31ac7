"""Print the views anew: `make schema`."""

from tests.views.printing import printed_views

for path, text in printed_views().items():
    path.write_text(text, encoding="utf-8")
