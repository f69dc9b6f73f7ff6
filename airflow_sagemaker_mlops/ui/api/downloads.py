"""Answers that a browser saves as files."""

from __future__ import annotations

import re

from fastapi.responses import HTMLResponse, Response

LONGEST = 150


def record_file(data: bytes, name: str) -> Response:
    """A record, byte for byte."""
    return Response(data, media_type="application/json", headers=_attached(f"{name}.json"))


def report_file(page: str, name: str, *, inline: bool = False) -> Response:
    """A report; with ``inline``, browsers show it instead of saving it.  Only its own style sheet may apply."""
    from ...reports.html import CONTENT_POLICY

    headers = {} if inline else _attached(f"{name}.html")
    return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY, **headers})


def _attached(name: str) -> dict[str, str]:
    stem, _, kind = name.rpartition(".")
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem)[:LONGEST]
    return {"Content-Disposition": f'attachment; filename="{plain}.{kind}"'}
