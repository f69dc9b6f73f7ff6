"""Output and exit codes of ``champion rollback`` if AWS refuses one of its calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_registry import GROUP, FakeRegistry, refused

from airflow_sagemaker_mlops.cli.champion import Account
from airflow_sagemaker_mlops.cli.champion_rollback import roll_back
from airflow_sagemaker_mlops.registry.champion import champion_of
from airflow_sagemaker_mlops.registry.change import Change, baseline_of
from airflow_sagemaker_mlops.registry.history import History
from airflow_sagemaker_mlops.registry.promotion import promote


class Hosting(FakeRegistry):
    """With one endpoint and no endpoint configuration, unless ``serving`` names one of version 2."""

    serving = ""

    def list_endpoint_configs(self, **_members: Any) -> dict[str, Any]:
        rows = [{"EndpointConfigName": self.serving}] if self.serving else []
        return self._answer("ListEndpointConfigs", lambda: {"EndpointConfigs": rows})

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
        return {"ProductionVariants": [{"ModelName": EndpointConfigName}]}

    def describe_model(self, ModelName: str) -> dict[str, Any]:
        return {"PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://bucket/models/2/model.tar.gz"}}

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        return {"EndpointConfigName": "another", "EndpointStatus": "InService"}

    def update_endpoint(self, **_members: Any) -> dict[str, Any]:
        return self._answer("UpdateEndpoint", dict)


class In(Account):
    """The account of a registry in memory."""

    def __init__(self, fake: FakeRegistry) -> None:
        object.__setattr__(self, "fake", fake)

    def clients(self) -> Any:
        return self.fake.client  # type: ignore[attr-defined]


@pytest.fixture
def fake() -> Hosting:
    made = Hosting()
    history = History(made, "s3://bucket/prefix", GROUP)
    for number in (1, 2, 3):
        baseline = baseline_of(champion_of(made.client, GROUP), history)
        promote(made.client, history, Change(made.version(number), baseline, f"r{number}", {"user": "cy"}), print)
    made.calls.clear()
    return made


def denied(fake: FakeRegistry, call: str, number: int = 1) -> None:
    left = [number]

    def before(name: str) -> None:
        if name.startswith(call):
            left[0] -= 1
            if left[0] <= 0:
                raise refused("AccessDeniedException", f"not authorized to perform {name}")

    fake.before = before


def rolled_back(fake: FakeRegistry, **how: Any) -> int:
    given = {"reason": "late", "of": None, "endpoint": None, "output": "text", **how}
    return roll_back(In(fake), GROUP, None, **given)


def champion(fake: FakeRegistry) -> int:
    return champion_of(fake.client, GROUP).number  # type: ignore[union-attr]


def test_a_look_up_that_is_denied_after_the_rollback_is_a_warning(fake: Hosting, capsys: Any) -> None:
    denied(fake, "ListEndpointConfigs")
    assert rolled_back(fake) == 0
    told = capsys.readouterr()
    assert "warning: no endpoint configuration of version 2 was looked up: ClientError" in told.err
    assert "version 2 is the champion again; version 3 is rejected" in told.out
    assert "--endpoint-config-name CONFIG" in told.out


@pytest.mark.parametrize("call", ["ListEndpointConfigs", "UpdateEndpoint", ""], ids=["look-up", "update", "none found"])
def test_an_endpoint_that_was_not_updated_has_an_exit_code_of_its_own(fake: Hosting, capsys: Any, call: str) -> None:
    fake.serving = "v2" if call else ""
    if call:
        denied(fake, call)
    assert rolled_back(fake, endpoint="late", output="json") == 3
    told = capsys.readouterr()
    shown = json.loads(told.out)
    assert (shown["version"], shown["endpoint_update_started"]) == (2, False)
    assert "late was not updated" in told.err


def test_the_configuration_of_the_version_is_looked_up_once(fake: Hosting) -> None:
    fake.serving = "v2"
    assert rolled_back(fake, endpoint="late") == 0
    assert fake.calls.count("ListEndpointConfigs") == 1


@pytest.mark.parametrize("call", ["UpdateModelPackage 3", "PutObject prefix/champions/late-flights/champion.json"])
def test_what_is_denied_after_the_champion_has_changed_is_a_warning(fake: Hosting, capsys: Any, call: str) -> None:
    denied(fake, call)
    assert rolled_back(fake) == 0
    assert "champion show --repair does the rest" in capsys.readouterr().err
    assert champion(fake) == 2


def test_if_the_champion_could_not_be_changed_the_same_command_finishes_it(fake: Hosting, capsys: Any) -> None:
    denied(fake, "UpdateModelPackage")
    assert rolled_back(fake) == 1
    assert champion(fake) == 3
    fake.before = lambda _name: None
    assert rolled_back(fake) == 0
    assert champion(fake) == 2
    capsys.readouterr()
    assert rolled_back(fake) == 1
    assert "To go back further, name version 2 as the one to roll back: --of 2" in capsys.readouterr().err
    assert champion(fake) == 2
    assert rolled_back(fake, of=2) == 0
    assert champion(fake) == 1
