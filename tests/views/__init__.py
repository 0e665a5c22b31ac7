"""What each party may ask for, printed: a change of access is a change of these files, and is seen in review."""
