"""Computing runs: from variants to recorded arrays, in chunks, by workers, clusters and compiled kernels."""
