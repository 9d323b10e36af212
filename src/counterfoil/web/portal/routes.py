"""Every page's route."""

from __future__ import annotations

from typing import Any, Final

from counterfoil.web.portal import pages, register_pages, verify_pages

routes: Final[list[Any]] = [
    pages.show_front,
    pages.show_registers,
    pages.show_search,
    pages.show_entry,
    pages.show_log,
    pages.show_activity,
    pages.show_audit,
    pages.show_about,
    pages.send_static,
    register_pages.show_register,
    register_pages.lead_to_register,
    register_pages.show_record,
    verify_pages.show_verify,
    verify_pages.judge_proof,
]
"""What the application mounts."""
