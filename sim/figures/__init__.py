"""Matplotlib figures of results and of their analysis."""
