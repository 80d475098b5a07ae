"""The README's example works as printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"


@pytest.mark.slow
def test_python_example(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    checks = (
        "\nassert saliency.shape == model.map_size"
        "\nlogs = model.history.history"
        "\nfor key in ('kld', 'neg_cc', 'neg_nss', 'val_cc', 'val_sim',"
        " 'val_auc_judd', 'val_auc_borji', 'val_nss', 'val_emd', 'val_kl'):"
        "\n    assert len(logs[key]) == 2, key"
        "\nassert logs['loss'][1] < logs['loss'][0]"
        "\nassert keras.models.load_model('best.keras').map_size == (30, 40)"
    )
    subprocess.run(
        [sys.executable, "-c", code + checks],
        cwd=tmp_path,
        check=True,
        timeout=300,
    )
