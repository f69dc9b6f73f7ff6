"""Evidence in AWS against a forged history: signatures by KMS, and hashes on model packages."""

from __future__ import annotations

import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from record_examples import forge, record

from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.records.seal.anchors import COMMIT_KEY, HASH_KEY, URI_KEY, anchor
from airflow_sagemaker_mlops.records.seal.seal import seal
from airflow_sagemaker_mlops.records.seal.signing import (
    FileSigner,
    Verifier,
    open_signer,
    open_verifier,
)
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.verify.chain import verify
from airflow_sagemaker_mlops.records.verify.outside import Evidence

PRIVATE = ed25519.Ed25519PrivateKey.generate()
SIGNER, VERIFIER = FileSigner(PRIVATE), Verifier(PRIVATE.public_key())


def found(store: FolderStore, evidence: Evidence) -> dict[str, str]:
    return {f.run_id: f.what for f in verify(store, "daily", evidence).findings if not f.harmless}


@pytest.mark.e2e
def test_a_key_of_kms_signs_and_its_public_key_verifies(aws: LocalAws, folder: FolderStore) -> None:
    kms = aws.session().client("kms", endpoint_url=aws.endpoint_url)
    key = "awskms:" + kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    seal(folder, record("r1"), signer=open_signer(key, lambda: kms))
    assert found(folder, Evidence(verifier=open_verifier(key, lambda: kms))) == {}
    assert "another key" in found(folder, Evidence(verifier=VERIFIER))["r1"]


@pytest.mark.e2e
def test_the_hash_on_a_model_shows_another_record(aws: LocalAws, folder: FolderStore) -> None:
    registry = aws.session().client("sagemaker", endpoint_url=aws.endpoint_url)
    group = f"daily-{uuid.uuid4().hex[:8]}"
    registry.create_model_package_group(ModelPackageGroupName=group)
    image = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1"}
    specification = {
        "Containers": [image],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    model = registry.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification, CustomerMetadataProperties={"team": "a"}
    )["ModelPackageArn"]
    evidence = Evidence(package=lambda arn: registry.describe_model_package(ModelPackageName=arn))

    sealed = seal(folder, {**record("r1"), "models": [{"arn": model}]})
    seal(folder, {**record("r2"), "models": []})
    assert [(f.run_id, f.harmless) for f in verify(folder, "daily", evidence).findings] == [("r1", True)]
    assert anchor(registry, sealed, print) == 1
    properties = registry.describe_model_package(ModelPackageName=model)["CustomerMetadataProperties"]
    assert properties == {"team": "a", HASH_KEY: sealed.sha256, URI_KEY: sealed.uri, COMMIT_KEY: "c0ffee"}
    assert verify(folder, "daily", evidence).findings == ()
    forge(folder)
    assert "has the hash of another record" in found(folder, evidence)["r1"]
