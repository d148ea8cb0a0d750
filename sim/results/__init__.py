"""The results of a run: chunks on disk with manifest and receipts, and the labelled Dataset that is read from them."""
