"""The audit of a whole installation: its store, and every file that lies beside it."""

from counterfoil.home_audit.audit import HomeAudited, audit_home

__all__ = ["HomeAudited", "audit_home"]
