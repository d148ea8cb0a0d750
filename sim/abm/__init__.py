"""States and blocs as Mesa agents, and the region as a Mesa model: the same rules, one actor at a time."""
