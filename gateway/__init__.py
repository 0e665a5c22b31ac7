"""The Silk Road Gateway: one GraphQL schema over the venture's partners, behind OAuth scopes."""

import gc

# Nearly all that modules make as they are imported lives on: to look for garbage in it again and again takes a sixth
# of the start, and later a large part of what a request may take.
gc.set_threshold(100_000, 20, 50)
