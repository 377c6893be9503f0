"""Measurements that explain the experiments, one module each: ``measure`` takes the module's ``Settings``.

Where seeds are split among jobs, ``measure`` takes those of one job too.
"""
