"""Many runs: the one path from variants to results, in chunks, by workers, clusters and compiled kernels."""
