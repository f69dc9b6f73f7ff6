"""The code blocks of pages: each is run by ``make docs-check``, or says why it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from docsite.run_snippets import TUTORIAL, blocks_of, script_of
from docsite.snippet_steps import definition
from docsite.snippets import Snippet, snippets, without_comments
from docsite.staging import repository_pages
from docsite.tutorial import blocks

PAGES = repository_pages()
BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def test_every_block_of_shell_python_or_yaml_is_run_or_says_why_it_cannot_be() -> None:
    assert [block.place for block in BLOCKS if not block.is_run and len(block.said.get("not run", "")) < 10] == []
    assert sum(block.is_run for block in BLOCKS) > 2 * sum(not block.is_run for block in BLOCKS)


def test_no_comment_about_a_block_is_lost_or_shown() -> None:
    for page in PAGES:
        text = (Path(__file__).parents[3] / page).read_text()
        said = [kind for block in snippets(page, text) for kind in block.said]
        assert text.count("<!-- ") - without_comments(text).count("<!-- ") == len(said), page


def test_the_tutorial_runs_its_shell_blocks_itself() -> None:
    page = next(page for page in PAGES if page == TUTORIAL)
    shell = [block for block in blocks_of(page) if block.language == "sh"]
    assert len(shell) == len(list(blocks((Path(__file__).parents[3] / page).read_text())))


PAGE = """# Title

<!-- before:
cp a b

cp c d
-->
```sh
pip install x
ls   # list
```

1. Item:

   <!-- file: rules.yaml -->
   <!-- then: cat rules.yaml -->
   ```yaml
   - a
   ```

```text
no
```

<!-- not run: needs an account -->

```console
$ aws s3 ls
nothing
```
"""


def test_comments_before_a_block_belong_to_it() -> None:
    assert list(snippets("a.md", PAGE)) == [
        Snippet("a.md", 8, "sh", "pip install x\nls   # list\n", {"before": "cp a b\n\ncp c d"}),
        Snippet("a.md", 17, "yaml", "- a\n", {"file": "rules.yaml", "then": "cat rules.yaml"}),
        Snippet("a.md", 27, "console", "$ aws s3 ls\nnothing\n", {"not run": "needs an account"}),
    ]
    plain = without_comments(PAGE)
    assert "<!--" not in plain
    assert plain.startswith("# Title\n\n```sh\npip install x\n")
    assert "1. Item:\n\n   ```yaml\n   - a\n" in plain


@pytest.mark.parametrize(
    ("block", "is_run"),
    [
        (Snippet("a.md", 1, "sh", "pip install x\n"), False),
        (Snippet("a.md", 1, "sh", "pip install x\nls\n"), True),
        (Snippet("a.md", 1, "console", "$ ls\nx\n"), True),
        (Snippet("a.md", 1, "python", "x = 1\n"), True),
        (Snippet("a.md", 1, "python", "x = 1\n", {"not run": "no"}), False),
        (Snippet("a.md", 1, "yaml", "a: 1\n"), False),
        (Snippet("a.md", 1, "yaml", "a: 1\n", {"file": "a.yaml"}), True),
        (Snippet("a.md", 1, "yaml", "a: 1\n", {"steps": ""}), True),
    ],
)
def test_a_block_is_run_if_something_can_be_done_with_it(block: Snippet, is_run: bool) -> None:
    assert block.is_run is is_run


def test_the_script_of_a_page_is_shell_and_keeps_the_order() -> None:
    script = script_of(
        [
            *snippets("a.md", PAGE),
            Snippet("a.md", 40, "python", "x = 1\n"),
            Snippet("a.md", 44, "python", "assert x\n", {"continued": "", "given": "import y"}),
            Snippet("a.md", 48, "python", "z\n", {"test": "tests/test_z.py"}),
            Snippet("a.md", 50, "yaml", "- {Name: A}\n", {"steps": "SM205"}),
        ]
    )
    order = [
        "cp a b",
        "cp c d",
        "ls   # list",
        "cat > rules.yaml",
        "cat rules.yaml\n",
        "x = 1",
        "import y",
        "assert x",
        "-m pytest",
        "SM205",
    ]
    at = [script.index(part) for part in order]
    assert at == sorted(at)
    assert "aws" not in script
    assert script.count("x = 1") == 2
    assert script.count("assert x\n") == 1


def test_steps_of_a_page_become_a_definition() -> None:
    assert definition("- {Name: A, IfSteps: [...]}\n") == (
        'Version: "2020-12-01"\nSteps:\n  - {Name: A, IfSteps: []}\n'
    )
    assert definition("Steps: []\n") == 'Version: "2020-12-01"\nSteps: []\n'
