"""Draws WORK/log.csv, smoothed, as WORK/log.png.

    python plot.py WORK
"""

import csv
import sys
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main(work: Path) -> None:
    with (work / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    steps = np.array([int(row["step"]) for row in rows])
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    for name in ("charbonnier", "frequency", "gradient"):
        values = np.array([float(row[name]) for row in rows])
        width = min(11, len(values))
        axes[0].plot(steps[width - 1 :], np.convolve(values, np.ones(width) / width, "valid"), label=name)
    axes[0].set(xlabel="step", title="loss, mean of 11 lines", yscale="log")
    axes[0].legend()
    axes[1].plot(steps, [float(row["rate"]) for row in rows])
    axes[1].set(xlabel="step", title="learning rate")
    figure.tight_layout()
    figure.savefig(work / "log.png", dpi=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]).expanduser())
