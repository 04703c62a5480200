"""Invented places of Iran for the demo, tests and benchmarks: pure, and the same on every machine."""
