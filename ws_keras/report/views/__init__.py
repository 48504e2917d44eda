"""What the report shows of each experiment; from rows to tables and charts."""
