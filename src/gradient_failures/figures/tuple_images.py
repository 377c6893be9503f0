"""Figure 2: sample images of lines."""

from matplotlib.figure import Figure

from gradient_failures.line_images import draw_lines, rasterise, slope_labels
from gradient_failures.seeds import stream

TITLE = "Figure 2: images of lines, labelled by the sign of their slope"

COLUMNS = 8


def draw() -> Figure:
    """The first images drawn of each label: +1 above, -1 below."""
    lines = draw_lines(20 * COLUMNS, "released", stream("tuples", "sample images"))
    images, labels = rasterise(lines, "released"), slope_labels(lines)
    figure = Figure(figsize=(7.2, 2.0))
    panels = figure.subplots(2, COLUMNS)
    for row, label in enumerate([1, -1]):
        for panel, image in zip(panels[row], images[labels == label], strict=False):
            panel.imshow(image, cmap="gray_r", vmin=0, vmax=1, origin="upper", interpolation="nearest")
            panel.set(xticks=[], yticks=[])
            for spine in panel.spines.values():
                spine.set(visible=True, color="0.7")
        panels[row, 0].set_ylabel(f"y = {label:+d}")
    return figure
