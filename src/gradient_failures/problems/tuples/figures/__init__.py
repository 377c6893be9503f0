"""The figures on tuples."""
