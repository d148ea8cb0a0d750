"""Analysis of results: comparison, explanation, tables, statistics, loops."""
