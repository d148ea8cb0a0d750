"""Pictures of what the analysis has computed: results in, Matplotlib figures out."""
