"""The `sim` command: one file for each verb, and what verbs share."""
