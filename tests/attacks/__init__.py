"""Attacks on the GraphQL door, each against the gateway as it is served, with real tokens."""
