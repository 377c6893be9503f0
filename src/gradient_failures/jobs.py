"""What every job does around its one call: a log file, and one clear line when it fails."""

import ctypes
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Numbers of the parameters of mallopt, from malloc.h."""


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


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next tensor, where it would give large blocks back at every step.

    Getting them again costs page faults: up to a fifth of a training step. Other systems are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1)):
            mallopt(parameter, value)
