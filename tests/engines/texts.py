"""Specs that the projects of engine tests have in common."""

from __future__ import annotations

PROJECT = """
apiVersion: specr/v1
kind: Project
metadata: {{name: {name}}}
spec: {{packs: {packs}, providers: {{{provider}: {settings}}}, defaultProvider: {provider}}}
"""

ARTIFACT_AND_MODEL = """---
apiVersion: specr/v1
kind: Artifact
metadata: {{name: {name}}}
spec: {{experiment: {name}, type: {type}, source: {source}}}
---
apiVersion: specr/v1
kind: Model
metadata: {{name: {name}}}
spec: {{versions: {{1: {name}}}}}
"""
