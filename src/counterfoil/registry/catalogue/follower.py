"""The thread in which the catalogue follows the log."""

from __future__ import annotations

import threading
from typing import Final

import structlog

from counterfoil.errors import CounterfoilError
from counterfoil.registry.catalogue.catalogue import Catalogue

RETRY_SECONDS: Final = 5.0
"""After how long it is tried again, where the machine refused."""
GATHER_SECONDS: Final = 0.25
"""How long entries are let gather: many small transactions cost several times one."""
SLICES: Final = 65_536
"""How many entries are taken in before it looks whether it is to end."""


class CatalogueFollower:
    """Takes in what the log has gained, a moment after it is woken: at once where somebody waits for it."""

    def __init__(self, catalogue: Catalogue):
        self._catalogue = catalogue
        self._woken = threading.Event()
        self._ending = False
        self.error: str | None = None
        """Why it does not follow the log at this moment; None where it does."""
        self._thread = threading.Thread(target=self._run, name="catalogue")
        catalogue.when_damaged(self.wake)

    def start(self) -> None:
        """Begin with what the log has now."""
        self._woken.set()
        self._thread.start()

    def wake(self) -> None:
        """The log has grown."""
        self._woken.set()

    def stop(self) -> None:
        """End after the slice that is being taken in; call it once after `start`."""
        self._ending = True
        self._woken.set()
        self._catalogue.awaited.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending:
            self._woken.wait(RETRY_SECONDS if self.error else None)
            self._woken.clear()
            try:
                while not self._ending and self._catalogue.follow(SLICES):
                    self._catalogue.awaited.clear()
                    self._catalogue.awaited.wait(GATHER_SECONDS)
                self.error = None
            except CounterfoilError as error:
                self.error = str(error)
                structlog.get_logger("catalogue").warning("not followed", reason=self.error)
            except Exception as error:  # noqa: BLE001  # whatever it is, lists are not to stand still for ever
                self.error = f"the catalogue cannot follow the log ({type(error).__name__})"
                structlog.get_logger("catalogue").error("not followed", exc_info=error)
