"""``GET page``: a run's report as a separate page, for Airflow 3.0 and for users who may not see plugins.

The page itself holds no data.  Its script asks the API, with the cookie of the session, or on 3.0, which has none, with
the token that Airflow's own pages keep.
"""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from ...version import __version__

router = APIRouter()
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
SHELL = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SageMaker pipeline run</title>
<link rel="stylesheet" href="static/ui.css?v={__version__}">
<script type="module" src="static/page.js?v={__version__}"></script>
<body class="smk smk-alone"><main id="report" aria-live="polite"><p>Loading …</p></main></body>
</html>
"""


@router.get("/page")
def page() -> HTMLResponse:
    """The page without its data."""
    return HTMLResponse(SHELL, headers={"Content-Security-Policy": POLICY})
