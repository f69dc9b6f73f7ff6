"""S3 and the model registry in memory, with AWS's conditions, in which a process can be killed at any call."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

GROUP = "late-flights"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/late-flights/"


class Killed(BaseException):
    """The process was killed."""


@dataclass
class FakeRegistry:
    """The clients of both services.

    kill   a process is killed at this call, counted from 1: before it is carried out, or after if ``after``
    """

    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    metadata: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    kill: int = 0
    after: bool = False
    page: int = 100
    before: Callable[[str], None] = lambda _name: None
    lock: Any = field(default_factory=threading.Lock)

    def client(self, _service: str) -> FakeRegistry:
        return self

    def version(self, number: int, **members: Any) -> str:
        """Register a version; its ARN."""
        arn = f"{ARN}{number}"
        containers = [{"Image": "i", "ModelDataUrl": f"s3://bucket/models/{number}/model.tar.gz"}]
        self.objects["bucket", f"models/{number}/model.tar.gz"] = b"model"
        self.packages[arn] = {
            "ModelPackageArn": arn,
            "ModelPackageGroupName": GROUP,
            "ModelPackageVersion": number,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {"Containers": containers},
            "LastModifiedTime": len(self.calls),
            **members,
        }
        return arn

    def list_model_packages(self, **members: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            rows = [p for p in self.packages.values() if p["ModelApprovalStatus"] == members["ModelApprovalStatus"]]
            kept = ("ModelPackageArn", "ModelPackageVersion", "ModelPackageStatus", "ModelApprovalStatus")
            start = int(members.get("NextToken") or 0)
            page = [{k: row[k] for k in (*kept, "ModelLifeCycle") if k in row} for row in rows][start:][: self.page]
            more = {"NextToken": str(start + self.page)} if start + self.page < len(rows) else {}
            return {"ModelPackageSummaryList": page, **more}

        return self._answer("ListModelPackages", work)

    def describe_model_package_group(self, ModelPackageGroupName: str) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            if ModelPackageGroupName != GROUP:
                raise refused("ValidationException", f"ModelPackageGroup {ModelPackageGroupName} does not exist.")
            return {}

        return self._answer("DescribeModelPackageGroup", work)

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            if ModelPackageName not in self.packages:
                raise refused("ValidationException", f"ModelPackage {ModelPackageName} does not exist.")
            return dict(self.packages[ModelPackageName])

        return self._answer("DescribeModelPackage", work)

    def update_model_package(self, ModelPackageArn: str, **members: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            package = self.packages[ModelPackageArn]
            metadata = {
                **package.get("CustomerMetadataProperties", {}),
                **members.pop("CustomerMetadataProperties", {}),
            }
            package |= {**members, "CustomerMetadataProperties": metadata, "LastModifiedTime": len(self.calls)}
            return {}

        return self._answer(f"UpdateModelPackage {ModelPackageArn.rpartition('/')[2]}", work)

    def put_object(self, Bucket: str, Key: str, Body: bytes, **members: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            there = self.objects.get((Bucket, Key))
            if "IfNoneMatch" in members and there is not None:
                raise refused("PreconditionFailed", "At least one of the pre-conditions did not hold")
            if "IfMatch" in members and (there is None or etag(there) != members["IfMatch"]):
                raise refused("PreconditionFailed", "At least one of the pre-conditions did not hold")
            self.objects[Bucket, Key] = Body
            self.metadata[Bucket, Key] = members.get("Metadata") or {}
            return {}

        return self._answer(f"PutObject {Key}", work)

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            data = self.objects.get((Bucket, Key))
            if data is None:
                raise refused("NoSuchKey", "The specified key does not exist.")
            return {"ContentLength": len(data), "Body": io.BytesIO(data), "ETag": etag(data)}

        return self._answer("GetObject", work)

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            data = self.objects.get((Bucket, Key))
            if data is None:
                raise refused("404", "Not Found")
            return {"ETag": etag(data), "Metadata": self.metadata.get((Bucket, Key), {})}

        return self._answer("HeadObject", work)

    def head_bucket(self, Bucket: str) -> dict[str, Any]:
        return self._answer("HeadBucket", dict)

    def list_objects_v2(self, Bucket: str, Prefix: str, **_members: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            keys = sorted(key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix))
            return {"Contents": [{"Key": key} for key in keys], "KeyCount": len(keys), "IsTruncated": False}

        return self._answer("ListObjectsV2", work)

    def _answer(self, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self.before(name)
        with self.lock:
            self.calls.append(name)
            dies = len(self.calls) == self.kill
            if dies and not self.after:
                raise Killed(name)
            answer = work()
            if dies:
                raise Killed(name)
            return answer


def etag(data: bytes) -> str:
    return f'"{hash(data)}"'


def refused(code: str, message: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(answer, "Call")
