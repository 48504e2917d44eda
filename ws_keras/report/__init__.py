"""Rows and what is made of them: statistics, tables, figures, a report."""
