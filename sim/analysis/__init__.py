"""What results say: comparison, explanation, tables, statistics, loops."""
