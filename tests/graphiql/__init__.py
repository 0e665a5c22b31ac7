"""GraphiQL: the page and its files, the operations it offers, and what a person sees of it in Chromium."""
