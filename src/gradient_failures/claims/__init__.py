"""How claims are written, estimated and judged."""
