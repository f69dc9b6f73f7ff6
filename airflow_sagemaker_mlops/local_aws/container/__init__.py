"""What jobs and model servers share: the folder, the sandbox, the interpreter, and copies from and to S3."""
