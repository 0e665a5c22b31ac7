"""Print the views and the row rules anew: `make schema`."""

from tests.views.printing import printed_rules, printed_views

for path, text in {**printed_views(), **printed_rules()}.items():
    path.write_text(text, encoding="utf-8")
