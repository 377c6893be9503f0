"""A new problem is one folder and its keys in config.yaml: rules, figure, claim and section find it."""

import json
import shutil

from conftest import ROOT
from gradient_failures.results import dataset

CONFIG = """
coin:
  experiment:
    settings: {steps: 50, eval_every: 10, batch_size: 20, learning_rate: 0.1}
    grids:
      coin: {chance: [0.5, 0.9], seeds: 3}
      coin_by_rate: {chance: [0.5], learning_rate: [0.1, 0.5], seeds: 2}
    seeds_per_job: 2
"""


def test_a_new_problem_is_one_folder_and_its_keys(finished_copy):
    folder = finished_copy.folder / "src/gradient_failures/problems/coin"
    shutil.copytree(ROOT / "tests/toy", folder, ignore=shutil.ignore_patterns("__pycache__"))
    lines = sum(len(path.read_text().splitlines()) for path in folder.rglob("*.*"))
    assert lines < 150
    path = finished_copy.folder / "config/config.yaml"
    path.write_text(path.read_text() + CONFIG)

    planned = finished_copy.planned()
    assert {name: count for name, count in planned.items() if "report" not in name} == {
        "compute_coin_experiment": 2 * 2 + 1,
        "combine": 2,
        "figure_coin": 1,
        "draw_grid": 1,
        "figures_pdf": 1,
        "claims": 1,
        "costs": 1,
        "crate": 1,
    }
    finished_copy.run()

    results = finished_copy.folder / "results"
    coin = dataset.read(results / "metrics/coin.nc", {"error": ("chance", "seed", "step")})
    assert coin["chance"].attrs["long_name"] == "chance of heads"
    assert dataset.read(results / "metrics/coin_by_rate.nc")["error"].dims[:2] == ("chance", "learning_rate")
    verdicts = json.loads((results / "claims.json").read_text())["results"]
    assert {entry["claim"]["id"]: entry["verdict"] for entry in verdicts}["coin-learnt"] == "REPRODUCED"
    page = (results / "report/index.html").read_text()
    for part in (
        "A coin: learnt at once",
        'id="coin-learnt"',
        'id="figure-coin"',
        "coin_by_rate",
        "With 20 throws",
    ):
        assert part in page
