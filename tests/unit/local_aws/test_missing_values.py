"""Missing values in CSV for XGBoost's built-in image: empty fields, in training and in requests."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import xgboost

from airflow_sagemaker_mlops.local_aws.job.xgboost_container import read


def test_an_empty_field_of_a_channel_is_a_missing_value(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("1,0.5,,2\n0,,3, \n", encoding="utf-8")
    matrix = read(str(tmp_path), "text/csv", np, xgboost)
    assert (matrix.num_row(), matrix.num_col(), matrix.num_nonmissing()) == (2, 3, 3)
    assert matrix.get_label().tolist() == [1, 0]


def test_a_text_in_a_channel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_sagemaker_mlops.local_aws.job.xgboost_container.ROOT", str(tmp_path / "ml"))
    (tmp_path / "train.csv").write_text("label,a\n1,2\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        read(str(tmp_path), "text/csv", np, xgboost)
    assert "is not CSV of numbers without a header" in (tmp_path / "ml/output/failure").read_text("utf-8")


def test_an_empty_field_of_a_request_is_a_missing_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_MLOPS_MODEL_DIR", str(tmp_path))
    from airflow_sagemaker_mlops.local_aws.serving import inference

    rows = np.array([[0.0, 1.0], [1.0, np.nan], [0.0, 2.0], [1.0, np.nan]] * 20)
    model = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, label=rows[:, 0]), 3)
    model.save_model(tmp_path / "xgboost-model.json")
    (tmp_path / "xgboost-model.json").rename(tmp_path / "xgboost-model")
    server = inference.XGBoost(str(tmp_path / "xgboost-model"))
    answer, _ = server.answer(b"1,\n", "text/csv", "text/csv")
    expected = model.predict(xgboost.DMatrix(np.array([[1.0, np.nan]])))
    assert np.loadtxt(io.StringIO(answer)) == pytest.approx(float(expected[0]), rel=1e-5)
