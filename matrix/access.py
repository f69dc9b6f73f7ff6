"""Who may read what: every route of the pages for every kind of user, beside what Airflow's own routes answer.

``make access-matrix`` (a few minutes) asks a server under the simple auth manager and one under FAB, prints a table for
each, and fails if an answer of ours differs from that of the routes of Airflow that show the same.  The application
itself says which routes there are, so none can be left out; one that this program cannot ask makes it fail.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))
from pages_server import Pages, served  # noqa: E402

OURS, OTHER = "late-flights", "decides"  # the DAG that everybody with few rights may read, and one that they may not
SCRIPT = "/static/base.js"  # of the mounted folder
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
READS_RUNS = ("DAG Runs", "Task Instances", "XComs")
# Roles of FAB's own, or {resource: actions} of a role that is made here.
FAB_USERS: Mapping[str, str | Mapping[str, tuple[str, ...]]] = {
    "stranger": {"Website": ("can_read",)},
    "without": {f"DAG:{OTHER}": ("can_read",), "DAG Runs": ("can_read",)},  # of the other DAG, and no XComs
    "reader": {f"DAG:{OURS}": ("can_read",), **dict.fromkeys(READS_RUNS, ("can_read",))},
    "viewer": "Viewer",
    "editor": "User",
    "op": "Op",
    "admin": "Admin",
}
SIMPLE_USERS = {"vera": "viewer", "viewer": "viewer", "editor": "user", "op": "op", "admin": "admin"}
TITLES = {"": "anonymous", "vera": f"viewer without {OTHER}", "without": f"without {OURS} and XComs"}
WAIT_S = 90
Kind = Literal["dag", "list", "public"]


class Route(NamedTuple):
    """A route of the pages; ``needs`` are the query parameters without a default."""

    path: str
    kind: Kind
    needs: list[str]


def main() -> int:
    """Measure under both managers; the exit code is 1 if an answer differs."""
    wrong: list[str] = []
    for manager, users, options in (("simple", SIMPLE_USERS, {}), ("FAB", FAB_USERS, {"CORE__AUTH_MANAGER": FAB})):
        known = users if manager == "simple" else {}
        prepare = _make_users if manager == "FAB" else _nothing
        with (
            tempfile.TemporaryDirectory() as home,
            served(Path(home), only_story=True, users=known, options=options, prepare=prepare) as pages,
        ):
            wrong += _table(manager, pages, ["", *users])
            wrong += _tabs_of_viewers(pages) if manager == "FAB" else []
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


def _table(manager: str, pages: Pages, users: list[str]) -> Iterator[str]:
    """Prints the table; what differs from Airflow's own answers."""

    @functools.cache  # many routes show the same
    def airflows_own(path: str, user: str) -> int:
        return pages.get(path, user).status

    print(f"\n### {manager}\n")
    print("| route |", " | ".join(TITLES.get(user, user) for user in users), "|")
    print("|---" * (len(users) + 1) + "|")
    for title, ours, own in _routes(pages):
        cells = []
        for user in users:
            answer = pages.get(ours, user).status
            expected = max((airflows_own(path, user) for path in own), key=_strictness, default=200)
            cells.append(str(answer))
            if answer != expected:
                cells[-1] += f" (Airflow: {expected})"
                yield f"{manager}: {title} answers {user or 'anonymous'} with {answer}, Airflow's own with {expected}."
        print(f"| {title} |", " | ".join(cells), "|", flush=True)
    for title, status in (("plugins", "api/v2/plugins"), ("start a run", f"POST api/v2/dags/{OURS}/dagRuns")):
        print(f"| {title} |", " | ".join(str(_asked(pages, status, user)) for user in users), "|", flush=True)


def _routes(pages: Pages) -> Iterator[tuple[str, str, list[str]]]:
    """(title, path of ours, paths of Airflow's own that show the same)."""
    routes = _of_application(pages)
    assert {route.kind for route in routes} == {"dag", "list", "public"}, routes
    for dag_id, names in {OURS: ("promoted", "rejected"), OTHER: ("good", "bad")}.items():
        run_id, second = (pages.runs[name][1] for name in names)
        about = {"dag_id": dag_id, "run_id": run_id, "task_id": "TrainModel", "run": [run_id, second]}
        for route in (one for one in routes if one.kind == "dag"):
            yield f"`{route.path}` of {dag_id}", _address(route, about), _own(dag_id, run_id)
    for route in (one for one in routes if one.kind == "list"):
        yield f"`{route.path}`", _address(route, {"group": OURS}), _own("~", "~")
    for route in (one for one in routes if one.kind == "public"):
        yield f"`{route.path}`", _address(route, {}), []


def _address(route: Route, values: Mapping[str, str | list[str]]) -> str:
    """What to ask; fails for a route with a parameter that has no value here."""
    missing = set(route.needs) - set(values)
    assert not missing, f"{route.path} needs {', '.join(missing)}: give it a value in matrix/access.py."
    query = urlencode({name: values[name] for name in route.needs}, doseq=True)
    return f"sagemaker-mlops{route.path}{'?' if query else ''}{query}"


def _of_application(pages: Pages) -> list[Route]:
    """The routes, asked in a process with the server's configuration."""
    command = [sys.executable, str(Path(__file__)), "routes"]
    done = subprocess.run(command, env=pages.variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-4000:])
    return [Route(*one) for one in json.loads(done.stdout.splitlines()[-1])]


def routes_of_application() -> list[Route]:
    """The routes of the application and its mounted folders.  Fails for one that is not asked with GET."""
    from fastapi.routing import APIRoute
    from starlette.routing import Mount

    from airflow_sagemaker_mlops.ui.api.app import build_app

    found: list[Route] = []
    for route in build_app().routes:
        if isinstance(route, Mount):
            assert SCRIPT.startswith(f"{route.path}/"), f"{route.path} is mounted: ask for one of its files, too."
            found.append(Route(SCRIPT, "public", []))
        else:
            assert isinstance(route, APIRoute), f"{route} is no route that can be asked."
            assert route.methods == {"GET"}, f"{route.path} takes {route.methods}: this program only asks with GET."
            found.append(Route(route.path, _kind(route), _needs(route)))
    return found


def _kind(route: APIRoute) -> Kind:
    from airflow_sagemaker_mlops.ui.api.guards import DAG_GUARDS, LIST_GUARDS

    calls = {dependency.call for dependency in route.dependant.dependencies}
    return "dag" if set(DAG_GUARDS) <= calls else "list" if set(LIST_GUARDS) & calls else "public"


def _needs(route: APIRoute) -> list[str]:
    return [parameter.name for parameter in route.dependant.query_params if parameter.field_info.is_required()]


def _own(dag_id: str, run_id: str) -> list[str]:
    runs = f"api/v2/dags/{dag_id}/dagRuns"
    instances = f"{runs}/{quote(run_id, safe='~')}/taskInstances"
    task = "~" if dag_id == "~" else "pipeline.status"
    return [f"{runs}?limit=1", f"{instances}?limit=1", f"{instances}/{task}/xcomEntries?limit=1"]


def _asked(pages: Pages, request: str, user: str) -> int:
    method, _, path = request.rpartition(" ")
    body = {"logical_date": None} if method else None
    return pages.send(method or "GET", path, user, body).status


def _strictness(status: int) -> int:
    return {401: 2, 403: 1}.get(status, 0)


def _tabs_of_viewers(pages: Pages) -> Iterator[str]:
    """Whether the command of the documentation shows viewers the tabs; prints after how long."""
    command = ["roles", "add-perms", "Viewer", "-r", "Plugins", "-a", "can_read"]
    before = pages.get("api/v2/plugins", "viewer").status
    subprocess.run([sys.executable, "-m", "airflow", *command], env=pages.variables, check=True, capture_output=True)
    begun = time.monotonic()
    while (after := pages.get("api/v2/plugins", "viewer").status) != 200 and time.monotonic() - begun < WAIT_S:
        time.sleep(1)
    print(f"\nairflow {' '.join(command)}: {before} before, {after} after {time.monotonic() - begun:.0f} s")
    if (before, after) != (403, 200):
        yield f"The command of the documentation changes {before} into {after} for viewers."


def _nothing(variables: dict[str, str]) -> None:
    pass


def _make_users(variables: dict[str, str]) -> None:
    command = [sys.executable, str(Path(__file__)), "users"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-4000:])


def _users_in_database() -> int:
    """In a process of its own: the roles and users of ``FAB_USERS``."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        manager = builder.sm
        manager.sync_roles()
        for name, rights in FAB_USERS.items():
            role = manager.find_role(rights) if isinstance(rights, str) else manager.add_role(f"Role of {name}")
            for resource, actions in ({} if isinstance(rights, str) else rights).items():
                for action in actions:
                    manager.add_permission_to_role(role, manager.create_permission(action, resource))
            assert manager.add_user(name, name, name, f"{name}@example.com", role, password=name), name
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["routes"]:
        print(json.dumps(routes_of_application()))
    else:
        sys.exit(_users_in_database() if sys.argv[1:] == ["users"] else main())
