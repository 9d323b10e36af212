"""The thread in which the catalogue follows the log."""

from __future__ import annotations

import threading
from typing import Final

import structlog

from counterfoil.errors import CounterfoilError
from counterfoil.registry.catalogue import Catalogue

RETRY_SECONDS: Final = 5.0
"""After how long it is tried again, where the machine refused."""
SLICES: Final = 65_536
"""How many entries are taken in before it looks whether it is to end."""


class CatalogueFollower:
    """Takes in what the log has gained, each time it is woken."""

    def __init__(self, catalogue: Catalogue):
        self._catalogue = catalogue
        self._woken = threading.Event()
        self._ending = False
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
        self._thread.join()

    def _run(self) -> None:
        failed = False
        while not self._ending:
            self._woken.wait(RETRY_SECONDS if failed else None)
            self._woken.clear()
            failed = False
            try:
                while not self._ending and self._catalogue.follow(SLICES):
                    pass
            except CounterfoilError as error:
                structlog.get_logger("catalogue").warning("not followed", reason=str(error))
                failed = True
