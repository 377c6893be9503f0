"""What every job does around its one call: a log file, and one clear line when it fails."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def logged_to(path: str) -> Iterator[None]:
    """Send everything the job prints or logs to ``path``, and its error, if any, in one line to the terminal.

    The descriptors themselves are redirected, so that output of compiled libraries is caught too.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    terminal = os.dup(2)
    with Path(path).open("w", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        logging.basicConfig(
            stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True
        )
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:
            logging.exception("the job failed")
            os.write(terminal, f"{type(error).__name__}: {error}\n".encode())
            sys.exit(1)
