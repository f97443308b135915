"""Measuring: what a program is and does. No thresholds of sickness, no advice."""
