"""``new``: asks the questions of a project, makes it, updates it."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from unicodedata import normalize

import typer

from ..definition import to_json
from ..definition.model import Pipeline
from ..definition.problems import PipelineError
from ..scaffold import Existing, ProjectError, Question, make_project, settle, update_project
from ..scaffold.answers import text_of, unanswered
from ..scaffold.errors import refusal
from ..scaffold.projects import refuse_occupied
from ..scaffold.questions import Value
from ..scaffold.regions import region_notes
from ..scaffold.updating import Change, recorded_answers
from .compiling import CompileOptions, NotCompiled
from .output.terminal import say, say_error
from .service import definition_of, region_of
from .signals import Interrupted, interruptible
from .sources import Source

AGAIN = "No file is half written. Run the same command again to update the files that are left."
EFFECTS = {
    "added": "added",
    "replaced": "updated",
    "removed": "removed: the template no longer has it",
    "moved": "moved here, with your changes",
    "merged": "updated; your changes are kept",
    "beside": "changed on both sides: yours is kept, the template's is in {name}.new",
    "deleted": "left out, although the template changed it: you deleted it",
    "kept": "kept, although the template no longer has it: you changed it",
}


def new(
    folder: Path, data: Sequence[str], *, defaults: bool, conn: str | None, region: str | None, python: Path
) -> int:
    """Make a project.  Exit code: 0; 1 if AWS refuses or the definition has errors; 2 for unusable arguments."""
    try:
        with interruptible():
            refuse_occupied(folder)
            given = _given(data, region)
            given.setdefault("project", _name_like(folder))
            if not defaults:
                _refuse_silence(given)
            elif given.get("source") == "pull" and "region" not in given:
                given["region"] = region_of(conn)
            answers = settle(given, None if defaults else _ask)
            existing = _existing(answers, conn, python)
            files = make_project(folder, answers, existing)
    except (typer.Abort, EOFError):
        say("\nThe questions were not answered to the end; nothing was written.", err=True)
        return 2
    except Interrupted as ended:
        say(f"{ended}: nothing was written.", err=True)
        return ended.exit_code
    except (ProjectError, OSError) as error:
        what = error if isinstance(error, ProjectError) else f"{folder} cannot be written: {_reason(error)}."
        say(f"{what}\nNothing was written.", err=True)
        return 2
    except PipelineError as error:
        return say_error(error, "no project was made")
    except NotCompiled as error:
        return say_error(NotCompiled(f"{error}\nNothing was written.", error.exit_code))
    enter = "" if folder.samefile(".") else f"cd {shlex.quote(str(folder))} && "
    called = "" if answers["project"] == folder.resolve().name else f"project {answers['project']}, "
    say(f"{folder}: {called}{len(files)} files. Next:")
    say(f"  {enter}make test    step code, definitions, DAG files: without an account")
    say(f"  {enter}make run     a whole run on this machine")
    say("README.md says what is where.")
    _say_notes(answers)
    return 0


def update(folder: Path, data: Sequence[str], *, conn: str | None, region: str | None, python: Path) -> int:
    """Bring a project to the template of the installed version; exit code as for :func:`new`."""
    try:
        with interruptible():
            given = _given(data, region)
            recorded = recorded_answers(folder)
            answers = settle(given, recorded=recorded)
            is_the_same = all(recorded.get(name) == answers[name] for name in ("source", "definition"))
            existing = (_kept(folder, recorded) if is_the_same else None) or _existing(answers, conn, python)
            changes = update_project(folder, given, existing)
    except Interrupted as ended:
        say(f"{ended}. {AGAIN}", err=True)
        return ended.exit_code
    except ProjectError as error:
        say(error, err=True)
        return 2
    except OSError as error:
        say(f"{error.filename or folder} cannot be read or written: {error.strerror or error}. {AGAIN}", err=True)
        return 2
    except (PipelineError, NotCompiled) as error:
        return say_error(error, "nothing was updated")
    for change in changes:
        say(_effect(change))
    say(f"{folder}: {f'{len(changes)} files' if changes else 'up to date'}.{' Look at git diff.' if changes else ''}")
    _say_notes(answers)
    return 0


def _say_notes(answers: Mapping[str, Value]) -> None:
    for note in region_notes(answers):
        say(f"Note: {note}", err=True)


def _reason(error: OSError) -> str:
    """``a/b is not a folder`` for a file in place of a folder, otherwise what the system says."""
    if isinstance(error, (FileExistsError, NotADirectoryError)) and error.filename:
        return f"{error.filename} is not a folder"
    return error.strerror or str(error)


def _effect(change: Change) -> str:
    return f"  {change.name}  {EFFECTS[change.what].format(name=change.name)}"


def _given(data: Sequence[str], region: str | None) -> dict[str, Value]:
    answers: dict[str, Value] = {}
    for one in (*data, *([f"region={region}"] if region else [])):
        name, equals, value = one.partition("=")
        if not equals:
            raise refusal("SM372", name, f'--data is "{one}".', "Write it as KEY=VALUE, e.g. --data deploy=batch.")
        if answers.setdefault(name.strip(), value) != value:
            raise refusal("SM372", name, f'{name} is given twice, as "{answers[name.strip()]}" and "{value}".')
    return answers


def _name_like(folder: Path) -> str:
    """A project name after the folder's."""
    letters = normalize("NFKD", folder.resolve().name.casefold()).encode("ascii", "ignore").decode()
    name = re.sub("[^a-z0-9]+", "-", letters).lstrip("0123456789-")[:32].rstrip("-")
    return name if len(name) > 1 else "my-model"


def _refuse_silence(given: Mapping[str, Value]) -> None:
    if sys.stdin.isatty():
        return
    names = ", ".join(unanswered(given))
    if names:
        what = f"These questions are not answered, and there is no terminal to ask them on: {names}."
        raise refusal("SM373", "", what, "Add --defaults, or --data KEY=VALUE for each of them.")


def _ask(question: Question, default: Value) -> Value:
    say(f"\n{question.help}")
    for value, label in question.choices.items():
        if label != value:
            say(f"  {value:14}{label}")
    while True:
        hint = " (yes, no)" if question.type == "bool" else ""
        text = str(typer.prompt(f"  {question.name}{hint}", default=text_of(default), show_default=True))
        try:
            return question.read(text)
        except ValueError as error:
            say(f'  "{text}" is not an answer. {error}')


def _existing(answers: Mapping[str, Value], conn: str | None, python: Path) -> Existing | None:
    """The user's own definition, if the project has one.  Raises what loading it raises."""
    name = str(answers["definition"])
    match answers["source"]:
        case "file":
            source = Source(name, CompileOptions(python))
            pipeline = source.load()
            if source.is_code or source.kind == "json":
                return Existing(to_json(pipeline) + "\n", ".json", group_of(pipeline))
            return Existing(source.data.decode(), ".yaml", group_of(pipeline))
        case "pull":
            from ..definition import load_pipeline

            text = definition_of(name, conn, str(answers["region"]))
            return Existing(text, ".json", group_of(load_pipeline(text.encode(), name=name)))
    return None


def _kept(folder: Path, answers: Mapping[str, Value]) -> Existing | None:
    """The definition in the project that ``answers`` made: an update does not fetch it again."""
    for suffix in (".json", ".yaml"):
        path = folder / "dags" / str(answers.get("project", "")) / f"train{suffix}"
        if answers.get("source") in ("file", "pull") and path.is_file():
            source = Source(str(path))
            return Existing(path.read_text(encoding="utf-8"), suffix, group_of(source.load()))
    return None


def group_of(pipeline: Pipeline) -> str:
    """The model package group that ``pipeline`` registers models in; empty if only a run knows it."""
    from ..steps.policy_values import with_values

    known = {one.name: one.default for one in pipeline.parameters if one.default is not None}
    steps = (step for step in with_values(pipeline, known).steps if step.type == "RegisterModel")
    names = {step.arguments.get("ModelPackageGroupName") for step in steps}
    name = names.pop() if len(names) == 1 else None
    return name.rpartition("/")[2] if isinstance(name, str) else ""
