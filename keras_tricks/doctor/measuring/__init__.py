"""Measuring: what a program is, and what copies of it come to."""
