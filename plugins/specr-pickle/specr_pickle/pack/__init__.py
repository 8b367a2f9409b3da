"""The specs that `packs: [pickle]` brings."""
