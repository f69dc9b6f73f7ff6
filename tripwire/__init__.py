"""Compares newer versions of the SageMaker SDK and of botocore with what this package knows: ``make tripwire``."""
