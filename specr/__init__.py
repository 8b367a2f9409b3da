"""specr: Terraform for model deployment."""

__version__ = "0.1.0"
