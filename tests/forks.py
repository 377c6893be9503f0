"""Runs Snakemake in forks of this process, which has imported it: half of a start is imports.

Each line of the input asks for one run; the answer is a line with its exit status.
"""

import gc
import json
import os
import sys

from snakemake.cli import main


def become(folder, environment, output, arguments):
    """Be as a new process of Snakemake in ``folder`` would be; what it prints goes to the file ``output``."""
    os.chdir(folder)
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream in (1, 2):
        os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), stream)
    sys.argv[1:] = arguments


gc.freeze()  # a collection in a fork would copy the memory that it shares with this process
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        become(**json.loads(line))
        main()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
