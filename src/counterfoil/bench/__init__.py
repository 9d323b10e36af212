"""`counterfoil bench`: every figure as a ratio against a reference in the same run."""
