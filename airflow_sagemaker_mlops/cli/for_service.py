"""``to-json --for-service``: a definition for SageMaker Pipelines, and the files that its gates and checks read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

from ..definition import placed
from ..definition.for_service import NotForService, for_service
from ..definition.problems import PipelineError
from ..s3 import split_uri
from .compiling import NotCompiled
from .option_names import in_options
from .output.terminal import say, say_error, write_out
from .sources import Source


def print_for_service(
    file: Source, out: Path | None, folder: str, *, upload: bool, conn: str | None, region: str | None
) -> int:
    """Print or write the definition, and upload or write what its jobs read.

    Exit code: 0, 1 when AWS refuses or the definition cannot go to the service, 2 for options that lead nowhere.
    """
    if folder and not folder.startswith("s3://"):
        say(f'--s3-uri is "{folder}", which is not an S3 location; write s3://bucket/prefix.', err=True)
        return 2
    try:
        pipeline = file.load()
        made = for_service(pipeline, folder)
    except NotForService as error:
        problems = placed(error.problems, file.content, name=file.name)
        return say_error(NotForService(file.name, problems), "nothing was written")
    except (PipelineError, NotCompiled) as error:
        return say_error(error)
    if made.files:
        code = _upload(made.files, conn, region) if upload else _write(made.files, out)
        if code:
            return code
    text = json.dumps(made.document, indent=2, ensure_ascii=False) + "\n"
    return write_out(text, out)


def _upload(files: Mapping[str, bytes], conn: str | None, region: str | None) -> int:
    from ..runs.clients import client_of
    from ..runs.errors import NoAws

    try:
        client = client_of("s3", conn, region)
    except NoAws as error:
        say(in_options(error), err=True)
        return 2
    for uri, content in files.items():
        bucket, key = split_uri(uri)
        try:
            client.put_object(Bucket=bucket, Key=key, Body=content)
        except Exception as error:
            say(f"{uri} cannot be written: {type(error).__name__}: {error}", err=True)
            return 1
        say(f"wrote {uri}", err=True)
    return 0


def _write(files: Mapping[str, bytes], out: Path | None) -> int:
    """Write the files next to ``out``, and say where they have to be before the pipeline starts."""
    if out is None:
        say("Before the pipeline starts, its jobs need these files; write them with --upload or --output:", err=True)
        for uri in files:
            say(f"  {uri}", err=True)
        return 0
    folder = out.with_name(f"{out.stem}-files")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for uri, content in files.items():
            (folder / uri.rpartition("/")[2]).write_bytes(content)
    except OSError as error:
        say(f"{folder} cannot be written: {error.strerror or error}.", err=True)
        return 2
    say("Before the pipeline starts, copy:", err=True)
    for uri in files:
        say(f"  aws s3 cp {shlex.quote(str(folder / uri.rpartition('/')[2]))} {shlex.quote(uri)}", err=True)
    return 0
