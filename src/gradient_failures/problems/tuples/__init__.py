"""Tuples of line images: end-to-end training against decomposition, and what the gradient says of them."""
