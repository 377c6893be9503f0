"""Figure 2: sample images of lines."""

import xarray as xr
from matplotlib.figure import Figure


def draw(image_ceiling: xr.Dataset) -> Figure:
    """The first images drawn of each label, one row for each.

    Parameters
    ----------
    image_ceiling : ``sample_image`` (label, example, y, x).
    """
    samples = image_ceiling["sample_image"]
    figure = Figure(figsize=(7.2, 2.0))
    panels = figure.subplots(samples.sizes["label"], samples.sizes["example"], squeeze=False)
    for row, images in zip(panels, samples, strict=True):
        for panel, image in zip(row, images.transpose("example", "y", "x"), strict=True):
            panel.imshow(image, cmap="gray_r", vmin=0, vmax=1, origin="upper", interpolation="nearest")
            panel.set(xticks=[], yticks=[])
            for spine in panel.spines.values():
                spine.set(visible=True, color="0.7")
        row[0].set_ylabel(f"y = {int(images['label']):+d}")
    return figure
