"""An option that is given twice: of two values, none may win in silence."""

from __future__ import annotations

import pytest

from airflow_sagemaker_mlops.cli.compiling import CompileOptions, NotCompiled
from airflow_sagemaker_mlops.cli.parameters import texts_of
from airflow_sagemaker_mlops.cli.run import branches_of


def test_a_parameter_with_two_values_is_refused_without_printing_them() -> None:
    with pytest.raises(ValueError, match=r'^"Password" is given twice, with two values; keep one of them\.$'):
        texts_of(["Password=one", "Other=1", "Password=two"])
    assert texts_of(["A=1", "A=1", "B=x=y"]) == {"A": "1", "B": "x=y"}


def test_an_argument_of_sdk_code_with_two_values_is_refused() -> None:
    with pytest.raises(NotCompiled, match='--arg: "region" is given twice'):
        CompileOptions(arguments=["region=a", "region=b"]).named_arguments()


def test_a_condition_cannot_take_both_branches() -> None:
    with pytest.raises(ValueError, match='--branch gives "Gate" both branches'):
        branches_of(["Gate=if", "Gate=else"])
    assert branches_of(["Gate=if", "Gate=IF"]) == {"Gate": "if"}
