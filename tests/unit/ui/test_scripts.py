"""The scripts are small, load nothing from elsewhere, and never turn text into markup."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("fastapi")

from airflow_sagemaker_mlops.ui.api.app import static_folder

SCRIPTS = sorted(static_folder().glob("*.js"))
MAX_BYTES = 60_000
HOST = re.compile(r"\b(React|ReactDOM|ReactJSXRuntime|ReactRouterDOM|ChakraUI|ChakraUISystem|EmotionReact)\b")


def test_all_scripts_together_take_at_most_60_kb() -> None:
    assert sum(len(script.read_bytes()) for script in SCRIPTS) <= MAX_BYTES


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_no_script_writes_markup_or_loads_from_elsewhere(script: object) -> None:
    text = script.read_text()  # type: ignore[attr-defined]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|\beval\(", text
    )
    assert not re.findall(r"""^(?:import|export|\}).*\bfrom\s*["'](?!\./)|\bimport\s*\(""", text, re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_only_the_adapter_touches_what_airflows_page_publishes(script: object) -> None:
    code = re.sub(r"//.*", "", script.read_text())  # type: ignore[attr-defined]
    assert script.name == "base.js" or not HOST.search(code)  # type: ignore[attr-defined]
