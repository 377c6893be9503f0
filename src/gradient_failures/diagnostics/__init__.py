"""Measurements that explain the experiments, one module each, all with the same ``measure``."""
