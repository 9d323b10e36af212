"""The agency's office in a serving process: opened when it is first needed, and the threads in which it works."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from counterfoil.errors import Unavailable
from counterfoil.node import Node
from counterfoil.office.office import Office
from counterfoil.web.looking import Looks
from counterfoil.web.writer import Writer

OFFICE_THREADS: Final = 32
"""How many officers' requests are worked on at once: they wait for the same block."""
UPLOADS: Final = 8
"""How many attachments are taken in at once."""


class Desks:
    """The office once it is needed, and the threads in which it works."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(OFFICE_THREADS, thread_name_prefix="office")
        self.arriving = ThreadPoolExecutor(UPLOADS, thread_name_prefix="arriving")
        self.looks = Looks()
        self._office: Office | None = None
        self._opening = threading.Lock()

    @property
    def opened(self) -> Office | None:
        """The office, if it was opened."""
        return self._office

    def open(self, node: Node, writer: Writer) -> Office:
        """The one office. A node without personal registers needs neither it nor the keyring that comes with it."""
        if self._office is not None:
            return self._office
        if node.read_only:
            raise Unavailable("this node was started with --read-only, and takes no changes")
        with self._opening:
            if self._office is None:
                self._office = Office(node, writer.submit_from_thread)
            return self._office

    def close(self) -> None:
        """End the threads, whose work the writer must still take, and let go of the desk."""
        self.arriving.shutdown()
        self.threads.shutdown()
        if self._office is not None:
            self._office.close()
