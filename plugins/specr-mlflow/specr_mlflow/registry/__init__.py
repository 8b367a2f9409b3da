"""MLflow's Model Registry for specr: a source of artifacts (`models:/…`), and `specr import mlflow`."""
