"""The figures of flat activations, drawn from toy datasets: what their lines show."""

import numpy as np
import xarray as xr

from gradient_failures.problems.flat_activations.figures import flat_activations, forward_only

APPROACHES = ["non_flat_approximation", "end_to_end", "multiclass", "forward_only"]
NAMES = ["Non-flat approximation", "End-to-end", "Multiclass", "Forward-only"]
PUBLISHED = dict(zip(APPROACHES, [0.8, 0.3, 0.2, 0.1], strict=True))


def points(line):
    x, y = line.get_data()
    return [np.asarray(x).tolist(), np.asarray(y).tolist()]


def named(name):
    return {"long_name": name, "units": "1"}


def toy_runs():
    """Three seeds of each approach, of which the last takes 10 steps and the others 20."""
    rng = np.random.default_rng(0)
    samples = ("approach", "seed", "sample")
    steps = ("approach", "seed", "step")
    shape = (4, 3, 6)
    runs = xr.Dataset(
        {
            "pre_activation": (samples, np.sort(rng.standard_normal(shape)), named("pre-activation r")),
            **{name: (samples, rng.random(shape)) for name in ("label", "output", "approximation")},
            "target_bias": (("approach", "seed"), np.tile([0.25, -1.0, 2.0], (4, 1))),
            "normalised_rms_error": (steps, rng.uniform(0.2, 1, (4, 3, 3)), named("error")),
            "training_cost": (steps, 1e9 * rng.integers(1, 99, (4, 3, 3))),
            "last_step": (("approach", "seed"), np.repeat([[20], [20], [20], [10]], 3, axis=1)),
        },
        coords={
            "approach": APPROACHES,
            "seed": range(3),
            "step": [0, 10, 20],
            "level": [-5.0, -2.1, 0, 1, 3],
        },
    )
    runs["normalised_rms_error"].loc["forward_only", :, 20] = np.nan
    runs["training_cost"].loc["forward_only", :, 20] = np.nan
    runs["normalised_rms_error"].loc["non_flat_approximation", :, 20] = [0.11, 0.12, 0.05]
    return runs


def test_the_panels_show_label_and_output_of_seed_0_and_the_approximation_where_it_is_the_method():
    runs = toy_runs()
    panels = flat_activations.draw(runs, {"normalised_rms_error": PUBLISHED}).get_axes()[:6]
    shown = [*APPROACHES[:3], "multiclass", "forward_only"]
    for panel, approach in zip(panels, shown, strict=False):
        run = runs.sel(approach=approach, seed=0)
        names = ["label", "output", *(["approximation"] if approach == APPROACHES[0] else [])]
        r = run["pre_activation"].values.tolist()
        assert [points(line) for line in panel.lines] == [[r, run[name].values.tolist()] for name in names]
        assert panel.texts[0].get_text() == f"{10 if approach == 'forward_only' else 20} steps"
    titles = [*NAMES[:3], "Multiclass, one boundary", NAMES[3]]
    assert [panel.get_title() for panel in panels[:5]] == titles
    np.testing.assert_allclose([panels[3].get_xlim(), panels[3].get_ylim()], [(0.24, 0.26), (0.0, 0.4)])
    legend = panels[5].get_legend()
    assert legend.get_title().get_text() == "Seed 0, held-out samples"
    styles = [(line.get_color(), line.get_linestyle()) for line in panels[0].lines]
    assert [(line.get_color(), line.get_linestyle()) for line in legend.get_lines()] == styles


def test_below_are_the_last_errors_the_published_ones_and_the_costs():
    runs = toy_runs()
    errors, _ = flat_activations.draw(runs, {"normalised_rms_error": PUBLISHED}).get_axes()[6:]
    last = {approach: 10 if approach == "forward_only" else 20 for approach in APPROACHES}
    for position, approach in enumerate(APPROACHES):
        end = runs.sel(approach=approach, step=last[approach])
        all_runs, published = errors.lines[2 * position : 2 * position + 2]
        assert points(all_runs) == [
            [position - 0.25, position, position + 0.25],
            end["normalised_rms_error"].values.tolist(),
        ]
        assert points(published) == [[position], [PUBLISHED[approach]]]
        first, second, cost = errors.get_xticklabels()[position].get_text().split("\n")
        assert f"{first} {second}".strip() == NAMES[position].lower()
        assert cost == f"{end['training_cost'].values.mean() / 1e9:.3g}"
    assert errors.get_title() == "Final error, 3 runs each"
    assert (errors.get_ylabel(), errors.get_yscale()) == ("error", "log")
    assert [text.get_text() for text in errors.get_legend().get_texts()] == ["published"]


def test_errors_of_the_approximation_are_shown_where_its_predictor_starts():
    axes = flat_activations.draw(toy_runs(), {"normalised_rms_error": PUBLISHED}).get_axes()[7]
    learns, fails, *levels, learnt = axes.lines
    assert (learns.get_label(), points(learns)) == ("learns: 2", [[-0.25, -2.0], [0.11, 0.05]])
    assert (fails.get_label(), points(fails)) == ("fails: 1", [[1.0], [0.12]])
    assert [line.get_xdata()[0] for line in levels] == [-2.1, 0, 1]
    assert learnt.get_ydata()[0] == 0.11
    assert axes.get_xlim() == (-2.2, 2.2)


def test_the_forward_only_figure_shows_the_runs_of_each_constant_at_step_size_1_with_their_guarantee():
    rng = np.random.default_rng(1)
    runs = ("seed", "lipschitz", "step_size", "iteration")
    data = xr.Dataset(
        {
            "distance": (runs, rng.random((3, 2, 2, 4)), named("‖w - w*‖")),
            "error": (runs, rng.random((3, 2, 2, 4)), named("root mean square error")),
            "guarantee": (("seed", "lipschitz", "iteration"), rng.random((3, 2, 4))),
            "activation": (("lipschitz", "r"), rng.random((2, 5))),
        },
        coords={
            "seed": range(3),
            "lipschitz": [1.0, 30.0],
            "step_size": [1.0, 2.0],
            "iteration": [0, 1, 5, 99],
            "r": np.linspace(-1, 1, 5),
        },
    )
    activations, *panels = forward_only.draw(data).get_axes()
    updates = [1, 2, 6, 100]
    colours = [line.get_color() for line in activations.lines]
    assert len(set(colours)) == 2
    assert [points(line) for line in activations.lines] == [
        [data["r"].values.tolist(), curve.tolist()] for curve in data["activation"].values
    ]
    assert [line.get_label() for line in activations.lines] == ["L = 1", "L = 30"]
    for axes, name in zip(panels, ("distance", "error"), strict=True):
        lines = iter(axes.lines)
        for index, colour in enumerate(colours):
            curves = data[name].values[:, index, 0]
            expected = [*curves, np.median(curves, axis=0)]
            if name == "error":
                expected.append(data["guarantee"].values[:, index].mean(0))
            for curve in expected:
                line = next(lines)
                assert line.get_color() == colour
                np.testing.assert_allclose(points(line), [updates, curve])
        assert (axes.get_title(), axes.get_xlabel()) == (name.capitalize(), "updates + 1")
        assert axes.get_ylabel() == data[name].attrs["long_name"]
        assert (axes.get_xscale(), axes.get_yscale(), axes.get_ylim()[0]) == ("log", "log", 1e-4)
    assert [text.get_text() for text in panels[1].get_legend().get_texts()] == ["bound on the best so far"]
