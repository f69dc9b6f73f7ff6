"""Builds the application that Airflow mounts under ``/sagemaker-mlops``."""

from __future__ import annotations

import logging
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from . import dag, models, page, run, task
from .headers import SafeHeaders
from .static_files import Scripts

ROUTERS = (run.router, task.router, dag.router, models.router)  # each of their routes names a guard of ``guards``
PUBLIC = (page.router,)  # pages without data
log = logging.getLogger(__name__)


def build_app() -> FastAPI:
    """The application."""
    app = FastAPI(title="SageMaker MLOps", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(SafeHeaders)
    app.add_exception_handler(Exception, _unexpected)
    for router in ROUTERS:
        app.include_router(router, prefix="/api")
    for router in PUBLIC:
        app.include_router(router)
    app.mount("/static", Scripts(directory=static_folder()))
    return app


def static_folder() -> Path:
    """The folder of the scripts."""
    return Path(str(files("airflow_sagemaker_mlops.ui") / "static"))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """Answer with a sentence instead of a traceback; details go to the server's log."""
    log.error("cannot answer %s", request.url.path, exc_info=error)
    return JSONResponse({"problem": "The server could not answer this; its log says why."}, 500)
