"""The documents that `packs: [dai]` adds to a project; they lie beside this file as YAML."""
