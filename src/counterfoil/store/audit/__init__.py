"""The audit: recomputes everything that is stored from the stored bytes, and names each fault."""
