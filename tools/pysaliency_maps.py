"""Values of pysaliency's maps of densities, for tests/golden/densities.json.

    python tools/pysaliency_maps.py

in an environment of its own with pysaliency and PyTorch. Needs nothing of this
package but the densities of tests/support/density_cases.py.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pysaliency
import torch
from scipy.ndimage import gaussian_filter

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS / "support"))
import density_cases  # noqa: E402

# Of the benchmark, for maps of 768x1024; the gradient grows with the pixels.
RATE, PIXELS = 1e-7, 768 * 1024


class Case(pysaliency.Model):
    """A density of the list, by the number in the stimulus' first pixel."""

    def _log_density(self, stimulus):
        data = getattr(stimulus, "stimulus_data", stimulus)
        return density_cases.log_density(int(data[0, 0, 0])).copy()


def main():
    """Write the file."""
    numbers = range(len(density_cases.NAMES))
    pictures = []
    for i in numbers:
        size = density_cases.log_density(i).shape
        pictures.append(np.full((*size, 3), i, np.uint8))
    stimuli = pysaliency.Stimuli(pictures)
    model = Case()
    density = pysaliency.DensitySaliencyMapModel(model)
    blurred = pysaliency.saliency_map_models.BluringSaliencyMapModel(
        density, density_cases.SIGMA, mode="constant"
    )
    equalized = pysaliency.saliency_map_models.EqualizedSaliencyMapModel(
        density
    )
    # A size that the mean is computed at: small, or 500x500 would smooth it.
    baseline = pysaliency.models.ShuffledBaselineModel(
        model, stimuli, compute_size=(96, 96), library="numpy"
    )
    shuffled = pysaliency.models.ShuffledAUCSaliencyMapModel(model, baseline)
    cases = {}
    for i, name in enumerate(density_cases.NAMES):
        logs = density_cases.log_density(i)
        rate = RATE * (PIXELS / logs.size) ** 2
        best = pysaliency.metric_optimization.SIMSaliencyMapModel(
            model,
            density_cases.SIGMA,
            fixation_count=density_cases.FIXATIONS,
            backlook=1,
            min_iter=10,
            max_iter=100,
            learning_rate_decay_scheme="validation_loss",
            initial_learning_rate=rate,
            minimum_learning_rate=rate * 1e-4,
            verbose=False,
        ).saliency_map(pictures[i])
        cases[name] = {
            "blurred": density_cases.probes(blurred.saliency_map(pictures[i])),
            "equalized": density_cases.probes(
                equalized.saliency_map(pictures[i])
            ),
            "shuffled_baseline": density_cases.probes(
                np.exp(baseline.log_density(pictures[i]))
            ),
            "shuffled_auc": density_cases.probes(
                shuffled.saliency_map(pictures[i])
            ),
            "expected_sim": density_cases.expected_sim(best, logs, blur),
            "expected_sim_of_blurred": density_cases.expected_sim(
                blur(np.exp(logs)), logs, blur
            ),
        }
        print(name, cases[name], flush=True)
    content = {
        "pysaliency": version("pysaliency"),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "cases": cases,
    }
    path = TESTS / "golden" / "densities.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def blur(map_):
    """Blur as the benchmark does."""
    return gaussian_filter(map_, density_cases.SIGMA, mode="constant")


if __name__ == "__main__":
    main()
