"""Runs in the interpreter that has the SageMaker SDK, from source text: imports nothing from this package.

``argv``: target, JSON file with the arguments, result file, file descriptor of the socket to the parent, and "embedded"
or "own".  Arguments are passed in a file because they may be secrets and every user of the machine can read ``argv``.
The result is the definition and the pipeline's name, or an error: ``{"problem": sentence, "exit_code": number}``.

When the user's code creates its first AWS client, this process asks the parent over the socket which AWS to use, so
nothing is started for code that does not call AWS.
"""

import importlib
import importlib.util
import inspect
import json
import os
import pathlib
import socket
import sys


class Unusable(SystemExit):
    """No definition could be made; the message says why."""


def say(sentence):
    raise Unusable(sentence)


def point_clients(channel, mode):
    """Point every botocore client to the AWS that the parent names; the parent is asked once."""
    try:
        import botocore.session
    except ImportError:
        return  # without botocore, the code cannot call AWS
    make, answers = botocore.session.Session.create_client, []

    def create_client(self, service_name, *positional, **options):
        if mode == "own" and not options.get("endpoint_url") and self.get_credentials() is not None:
            return make(self, service_name, *positional, **options)
        if not answers:
            channel.sendall(b"aws\n")
            with channel.makefile() as lines:
                answers.append(json.loads(lines.readline()))
            if "problem" in answers[0]:
                say(answers[0]["problem"])
        (answer,) = answers
        keys = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        # The SDK passes endpoints of real AWS, e.g. the regional STS endpoint, so replace what it asks for.
        options.update({key: answer.get(key) for key in keys}, endpoint_url=answer.get("endpoint_url"))
        if not positional and not options.get("region_name") and not self.get_config_variable("region"):
            options["region_name"] = answer["region"]
        return make(self, service_name, *positional, **options)

    botocore.session.Session.create_client = create_client


def load(target):
    name, _, attribute = target.rpartition(":")
    sys.path.insert(0, "")
    if name.endswith(".py"):
        path = pathlib.Path(name).resolve()
        if not path.is_file():
            say(f"there is no file {name}.")
        sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(name)
    value = module
    for part in attribute.split("."):
        if not hasattr(value, part):
            there = [n for n, v in vars(module).items() if hasattr(v, "definition") and not inspect.isclass(v)]
            there += [n for n, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__]
            say(f'{name} has no "{attribute}". It has: {", ".join(there) or "no pipeline and no function"}.')
        value = getattr(value, part)
    return value


def called(function, given, target):
    """Call ``function`` with the texts in ``given``, converted to the types of its defaults or annotations."""
    parameters = inspect.signature(function).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    unknown = [name for name in given if name not in parameters and not open_ended]
    if unknown:
        say(f'{target} takes no argument "{unknown[0]}". It takes: {", ".join(parameters) or "none"}.')
    plain = [p for p in parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    missing = [p.name for p in plain if p.default is p.empty and p.name not in given]
    if missing:
        say(f"{target} needs {', '.join(missing)}. Add {' '.join(f'--arg {name}=...' for name in missing)}")
    return function(**{name: typed(parameters.get(name), text, name) for name, text in given.items()})


def typed(parameter, text, name):
    if parameter is None:
        return text
    kind = parameter.annotation
    kind = {"int": int, "float": float, "bool": bool}.get(kind, kind)
    if kind not in (int, float, bool):
        kind = type(parameter.default)
    if kind is bool:
        if text.lower() not in ("true", "false"):
            say(f'--arg {name} is "{text}"; it takes true or false.')
        return text.lower() == "true"
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            say(f'--arg {name} is "{text}", which is not {"an integer" if kind is int else "a number"}.')
    return text


def compiled(target, given):
    """The definition and the name of the pipeline that ``target`` is or returns."""
    value = load(target)
    if hasattr(value, "definition"):
        if given:
            say(f"{target} is a pipeline and takes no arguments: leave out --arg, or name a function.")
        pipeline = value
    elif callable(value):
        pipeline = called(value, given, target)
    else:
        pipeline = value
    if hasattr(pipeline, "definition"):
        definition = pipeline.definition()
    elif isinstance(pipeline, dict):
        definition = json.dumps(pipeline)
    elif isinstance(pipeline, str):
        definition = pipeline
    else:
        say(f"{target} is a {type(pipeline).__name__}, not a pipeline or a function that returns one.")
    name = getattr(pipeline, "name", "")
    return {"definition": definition, "name": name if isinstance(name, str) else ""}


def main():
    target, arguments, result, channel, mode = sys.argv[1:6]
    sys.argv[1:] = []
    os.dup2(2, 1)  # the parent's standard output is for the definition only
    try:
        point_clients(socket.socket(fileno=int(channel)), mode)
        answer = compiled(target, json.loads(pathlib.Path(arguments).read_text()))
    except Unusable as why:
        answer = {"problem": str(why.code), "exit_code": 2}
    except SystemExit as ended:
        answer = {"problem": left_early(target, ended.code), "exit_code": 1}
    pathlib.Path(result).write_text(json.dumps(answer))


def left_early(target, code):
    """The message for code that exits the process, as scripts do."""
    words = "sys.exit()" if code is None else f"sys.exit({code!r})"
    fix = 'Put code that only a script should run under `if __name__ == "__main__":`.'
    return f"{target} gave no pipeline: its code called {words}. {fix}"


if __name__ == "__main__":
    main()
