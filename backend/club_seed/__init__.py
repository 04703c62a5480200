"""Filling an empty club with invented members and what they owe. It stands above all slices and writes by theirs."""
