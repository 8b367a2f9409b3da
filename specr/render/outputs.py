"""Where deployments answer: their names, addresses and versions, as recorded."""

from __future__ import annotations

import re
from typing import Any, Final

from specr.canonical import Json
from specr.render.table import render_table
from specr.render.text import neutral
from specr.state.model import RecordedObject, State

_PASSPHRASE = "SPECR_PASSPHRASE"  # noqa: S105 - the name of a variable, not its value
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def encode_outputs(state: State) -> dict[str, dict[str, Any]]:
    """Every recorded deployment by name: its URL, what it runs, and how to ask it."""
    return {
        address.name: _output(recorded)
        for address, recorded in sorted(state.objects.items())
        if address.kind == "deployment"
    }


def render_outputs(outputs: dict[str, dict[str, Any]]) -> str:
    """One line a deployment: name, URL, model and version. Empty where there is none."""
    rows = [
        [name, str(output["url"] or "-"), f"{output['model']} version {output['version']}"]
        for name, output in outputs.items()
    ]
    return render_table(rows)


def render_output(name: str, output: dict[str, Any]) -> str:
    """All about one deployment, with a command to try it."""
    facts = [
        ("deployment", name),
        ("url", output["url"] or "(none: it does not run)"),
        ("model", f"{output['model']} version {output['version']} ({output['modelId']})"),
        ("provider", output["provider"]),
        ("replicas", str(output["replicas"])),
    ]
    further = [url for url in output["urls"] if url != output["url"]]
    facts += [("also at" if n == 0 else "", url) for n, url in enumerate(further)]
    text = "".join(f"{label.ljust(12)}{neutral(str(value))}\n" for label, value in facts)
    return f"{text}\nTry it:\n  {neutral(output['curl'])}\n" if output["curl"] else text


def _output(recorded: RecordedObject) -> dict[str, Any]:
    arguments, attributes = recorded.arguments, recorded.attributes
    url = attributes.get("endpoint")
    return {
        "url": url,
        "urls": attributes.get("endpoints") or ([url] if url else []),
        "model": arguments.get("model"),
        "version": arguments.get("version"),
        "modelId": arguments.get("modelId"),
        "provider": recorded.provider,
        "replicas": arguments.get("replicas"),
        "curl": _curl(str(url), recorded) if url and str(url).startswith("http") else None,
    }


def _curl(url: str, recorded: RecordedObject) -> str:
    """A command that asks for the model's own sample and scores it."""
    environment = {
        **recorded.arguments.get("runtime", {}).get("env", {}),
        **recorded.arguments.get("env", {}),
    }
    known_as = _shell_name(environment.get(_PASSPHRASE))
    secret = f' -H "Authorization: Bearer ${known_as}"' if _PASSPHRASE in environment else ""
    url = url.rstrip("/")
    return (
        f"curl -s{secret} {url}/model/sample_request | "
        f"curl -s{secret} {url}/model/score -H 'Content-Type: application/json' -d @-"
    )


def _shell_name(passphrase: Json) -> str:
    """The variable that holds a passphrase where the user is: the one that it comes from, if it is one."""
    source = passphrase.get("valueFrom") if isinstance(passphrase, dict) else None
    name = source.get("env") if isinstance(source, dict) else None
    return name if isinstance(name, str) and _VARIABLE.fullmatch(name) else _PASSPHRASE
