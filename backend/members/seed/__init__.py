"""Invented members: pure, the same for the same seed."""
