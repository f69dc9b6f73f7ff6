resource "aws_sagemaker_pipeline" "daily" {
  pipeline_name = "daily"
  pipeline_definition = jsonencode({
    Version = "2020-12-01"
    Steps   = []
  })
}
