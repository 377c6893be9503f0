"""Configuration of the ceiling on the accuracy for images of lines."""

from pydantic import PositiveInt

from gradient_failures.config.base import Diagnostic


class ImageCeilingConfig(Diagnostic):
    """How well the slope of a line can be told from its image at best (ours; §3.1 has the images)."""

    images: PositiveInt
    """Images drawn for each rasterisation; half of them learn the best answers, half test them."""
