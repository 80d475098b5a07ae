"""The recipe for several devices learns on two what it learns on one."""

import json

import pytest
import running


@pytest.mark.slow
def test_two_devices_log_what_one_logs(tmp_path):
    found = []
    for devices in ("1", "2"):
        printed = running.run(
            *("devices", tmp_path, "--devices", devices),
            *("--out", f"{devices}.json", "--model", f"{devices}.keras"),
        )
        assert f"Devices: {devices}\n" in printed
        found.append(json.loads((tmp_path / f"{devices}.json").read_text()))
        assert (tmp_path / f"{devices}.keras").is_file()
    one, two = found
    assert {"loss", "kld", "neg_cc", "neg_nss", "val_cc", "val_nss"} <= set(one)
    assert one.keys() == two.keys()
    for name, values in one.items():
        assert len(values) == 2
        assert two[name] == pytest.approx(values, rel=1e-3, abs=1e-4), name
    # The loss is the sum of its terms, on one device and on two.
    for logs in found:
        terms = zip(logs["kld"], logs["neg_cc"], logs["neg_nss"], strict=True)
        sums = [10 * kld + 2 * cc + nss for kld, cc, nss in terms]
        assert logs["loss"] == pytest.approx(sums, rel=1e-4)
