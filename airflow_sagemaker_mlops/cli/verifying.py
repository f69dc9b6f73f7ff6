"""The evidence that ``records verify`` compares records with, built from its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..aws_errors import NOT_FOUND, error_code
from ..records.model.errors import RecordError
from ..records.seal.signing import open_verifier
from ..records.verify.outside import SHORTEST, Evidence


class NotVerifiable(RecordError):
    """An option is unusable, or there is nothing to verify."""


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """The options as given."""

    expect: Sequence[str]
    key: str | None
    models: bool
    client: Callable[[str], Any]

    def evidence(self, dags: Sequence[str], base: str) -> dict[str, Evidence]:
        """Evidence for each of ``dags``.  Raises :class:`RecordError` for unusable options."""
        expected: dict[str, dict[str, str]] = {dag_id: {} for dag_id in dags}
        for word in self.expect:
            dag_id, run_id, sha256 = _expected(word, dags, base)
            other = expected[dag_id].setdefault(run_id, sha256)
            if not other.lower().startswith(sha256.lower()) and not sha256.lower().startswith(other.lower()):
                raise NotVerifiable(f'--expect names two hashes for run "{run_id}", but a record has only one.')
            expected[dag_id][run_id] = max(other, sha256, key=len)
        verifier = open_verifier(self.key, lambda: self.client("kms")) if self.key else None
        package = self._package() if self.models else None
        return {dag_id: Evidence(runs, verifier, package) for dag_id, runs in expected.items()}

    def _package(self) -> Any:
        client = self.client("sagemaker")

        def package(arn: str) -> Mapping[str, Any] | None:
            try:
                return dict(client.describe_model_package(ModelPackageName=arn))
            except Exception as error:
                if error_code(error) not in NOT_FOUND:
                    raise
                return None

        return package


def _expected(word: str, dags: Sequence[str], base: str) -> tuple[str, str, str]:
    """DAG, run and hash of ``RUN=HASH`` or ``dag/RUN=HASH``.  Run ids may contain "=", so the last one counts."""
    name, _, sha256 = word.rpartition("=")
    if not name or len(sha256) < SHORTEST or set(sha256.lower()) - set("0123456789abcdef"):
        raise NotVerifiable(
            f'--expect is "{word}"; write RUN=HASH, with at least {SHORTEST} digits of the hash that was printed.'
        )
    before, separator, after = name.partition("/")
    if separator and before in dags:
        return before, after, sha256
    if len(dags) == 1:
        return dags[0], name, sha256
    if not dags:
        raise NotVerifiable(f'there are no records at {base}, so the record of run "{name}" is missing.')
    raise NotVerifiable(f'--expect is "{word}"; there are records of {len(dags)} DAGs, so write DAG/RUN=HASH.')
