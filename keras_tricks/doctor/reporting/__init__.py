"""Reporting: findings and instruments as text, pages and logs. Measures nothing."""
