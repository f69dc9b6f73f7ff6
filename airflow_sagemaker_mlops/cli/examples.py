"""The example at the end of each command's help."""

from __future__ import annotations

EXAMPLES = {
    "check": "check pipeline.py:pipeline",
    "plan": "plan churn.yaml --format mermaid",
    "to-json": "to-json churn.yaml -o churn.json",
    "compile": "compile pipeline.py:get_pipeline --arg region=eu-west-1 -o churn.json",
    "run": "run churn.yaml -p Day=2026-01-01",
    "conf": "conf churn.yaml --dag churn --resume latest",
    "reproduce": "reproduce latest churn.yaml",
    "diff": "diff old.json new.json",
    "render": "render churn.yaml -o churn_dag.py",
    "iam": "iam churn.yaml --account 123456789012 --region eu-west-1",
    "pull": "pull churn -o churn.json",
    "push": "push churn.yaml --name churn --role arn:aws:iam::123456789012:role/Pipelines",
    "callback": "callback TOKEN -o auc=0.9",
    "ui": "ui --dags dags",
    "logs": "logs latest Train --follow",
    "why-not-cached": "why-not-cached churn Train",
    "local status": "local status --format json",
    "local stop": "local stop",
    "local env": 'eval "$(sagemaker-mlops local env)"',
    "local cp": "local cp data/ s3://sagemaker-us-east-1-123456789012/data",
    "records list": "records list churn --format json",
    "records show": "records show latest --step Train",
    "records find": "records find s3://bucket/models/churn",
    "records diff": "records diff latest~1 latest",
    "records verify": "records verify churn",
    "records approvals": "records approvals latest",
    "records export": "records export latest --format openlineage",
    "records lineage": "records lineage latest --dry-run",
}
