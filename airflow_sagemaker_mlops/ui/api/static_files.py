"""Serves the scripts, which hold no data, to everybody."""

from __future__ import annotations

import os

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ..data.stores import warm_up

TYPES = {".js": "text/javascript", ".css": "text/css"}  # the machine's own table may know neither


class Scripts(StaticFiles):
    """Files that browsers ask for again: modules import each other by names without a version."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file; 304 if the browser has it already.  Its page asks for data next, so the clients are created now."""
        warm_up()
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        kind = TYPES.get(os.path.splitext(path)[1])
        if kind and response.status_code == 200:
            response.headers["Content-Type"] = f"{kind}; charset=utf-8"
        return response
