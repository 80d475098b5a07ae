"""What is said before a script starts."""

import pytest

from keras_saliency.experiments import (
    NETWORK_SECONDS,
    Training,
    announce,
    network_seconds,
)
from keras_saliency.models import MODELS


def test_what_is_trained_how_long_and_where(capsys):
    announce(
        "table2",
        [Training(500, 5), Training(500, 5), Training(500, 5, True)]
        + [Training(1000, 1, seconds=3.6)],
        measured=1,
        results="out",
    )
    assert capsys.readouterr().out == (
        "table2: 2 trainings of 5 epochs on 500 images; 1 training of 1 epoch "
        "on 1,000 images; 1 training done before; 1 image to measure.\n"
        "Roughly 63 minutes on one core of a server; less on a GPU. Results go "
        "to out.\n"
        "Control-C stops it; the same command goes on.\n"
    )
    announce("best", [], results="out")
    assert "all is done before" in capsys.readouterr().out


def test_a_larger_input_takes_longer():
    assert network_seconds("sam_vgg", (384, 512)) == pytest.approx(4.8)
    assert set(NETWORK_SECONDS) == set(MODELS) - {"baseline"}
