"""The card that a link to the site shows elsewhere, nbs/images/card.png, drawn from the committed runs on digits."""
from pathlib import Path

from matplotlib.figure import Figure

from cosmoreg.plots import band, group_runs, use_theme
from cosmoreg.record import load_runs

ROOT = Path(__file__).resolve().parent.parent

use_theme()
fig = Figure(figsize=(12, 6.3), dpi=100, facecolor="white")
fig.text(.06, .80, "cosmoreg", size=52, weight="bold", color="#0b3c5d")
fig.text(.06, .685, "Keeps neural-network training numerically alive", size=24, color="#333333")
for i, line in enumerate(("activations in range", "losses that do not absorb", "gradients beside the weights", "evidence with seeds and intervals")):
    fig.text(.06, .52 - .09 * i, f"–  {line}", size=19, color="#333333")
ax = fig.add_axes((.565, .15, .39, .46))
for runs in group_runs(load_runs(ROOT / "nbs/experiments/results/digits")).values(): band(ax, runs, "loss", "valid")
ax.set(ylim=(.04, .16), xlabel="step", ylabel="validation loss (nats)")
ax.set_title("Handwritten digits, five seeds, 95 % bands", size=13, loc="left")
ax.legend(fontsize=12, ncol=2, loc="upper right")
fig.savefig(ROOT / "nbs/images/card.png", dpi=100, metadata={"Software": None})
