"""Makes the repository of a project from the template in this folder, and updates one from a newer template.

The template is in copier's format: ``copier.yml`` has the questions, ``template/`` the files.  It is rendered here with
Jinja2, which Airflow needs anyway, because copier depends on a package under the GPL (decision 0012).
"""

from .answers import Ask, settle
from .errors import ProjectError
from .projects import Existing, make_project
from .questions import Question, questions
from .updating import Change, update_project

__all__ = [
    "Ask",
    "Change",
    "Existing",
    "ProjectError",
    "Question",
    "make_project",
    "questions",
    "settle",
    "update_project",
]
