"""What CloudFormation cannot create in some of the regions that ``new`` offers, and what a project does about it.

Source: the schemas by region of cfn-lint 1.58.0.  About CodeBuild, the endpoints of botocore 1.44.5 say the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from .questions import Answers

NO_MODEL_PACKAGE_GROUP = frozenset({"ap-south-2", "ap-southeast-4"})
NO_CODEBUILD = {"ca-west-1": "ca-central-1"}  # and a region near by; a build can deploy to another region than its own


def build_region(region: str) -> str:
    """The region for ``infra/pipeline.yaml`` of a project in ``region``."""
    return NO_CODEBUILD.get(region, region)


def region_notes(answers: Answers) -> Iterator[str]:
    """Sentences about services that the region of the project lacks."""
    region = str(answers["region"])
    if answers["ci"] == "codepipeline" and build_region(region) != region:
        yield (
            f"AWS CodeBuild does not exist in {region}. Create infra/pipeline.yaml in another region, such as "
            f"{build_region(region)}: it deploys to {region} from there. README.md has the command."
        )
    if region in NO_MODEL_PACKAGE_GROUP:
        yield (
            f"CloudFormation cannot create a model package group in {region}, so infra/project.yaml has none. "
            "README.md has the command that creates it."
        )
