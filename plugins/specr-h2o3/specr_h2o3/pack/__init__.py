"""The documents that `packs: [mlflow]` adds to a project; they lie beside this file as YAML."""
