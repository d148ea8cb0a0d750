"""What a run leaves: a labelled Dataset, chunks on disk, their manifest and receipts."""
