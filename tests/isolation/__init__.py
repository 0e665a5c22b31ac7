"""Two worlds that one caller cannot tell apart, and leaks by which it could."""
