"""The quickstart: train, plan, apply, score two rows, and say how to go on.

Runs the commands that a user would type and shows each of them.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

ROWS = [
    {"alcohol": 14.23, "malic_acid": 1.71, "color_intensity": 5.64, "proline": 1065},
    {"alcohol": 12.37, "malic_acid": 0.94, "color_intensity": 1.95, "proline": 520},
]
BIN = Path(sys.executable).parent


def main() -> int:
    """Do it all in the project's folder, given as the only argument."""
    project = Path(sys.argv[1])
    specr = os.path.relpath(BIN / "specr")
    show([os.path.relpath(sys.executable), str(project / "train.py")])
    show([specr, "-C", str(project), "plan"])
    show([specr, "-C", str(project), "apply", "--auto-approve"])
    endpoint = endpoint_of(specr, project)
    body = json.dumps({"fields": list(ROWS[0]), "rows": [list(row.values()) for row in ROWS]})
    request = urllib.request.Request(  # noqa: S310 - the address is the deployment's own
        f"{endpoint}/model/score", body.encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
        scored = json.load(answer)
    print("\nTwo rows, scored over HTTP:")
    inputs = [list(ROWS[0]), *(list(map(str, row.values())) for row in ROWS)]
    outputs = [scored["fields"], *(list(map(short, score)) for score in scored["score"])]
    for given, answered in zip(aligned(inputs), aligned(outputs), strict=True):
        print(f"  {given}   {answered}")
    print(f"""
The model answers at {endpoint}. Try it yourself:

  curl -s {endpoint}/model/score \\
    -H 'Content-Type: application/json' \\
    -d '{body}'

Go on:   edit {project}/specr.yaml, then
           {specr} -C {project} plan
           {specr} -C {project} apply
Look:      {specr} -C {project} state list
           {specr} -C {project} logs deployment/wine
Remove:    {specr} -C {project} destroy""")
    return 0


def short(cell: str) -> str:
    """A cell of an answer; of a number three digits."""
    try:
        return f"{float(cell):.3g}"
    except ValueError:
        return cell


def aligned(rows: list[list[str]]) -> list[str]:
    """Rows as lines whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.rjust, row, widths)) for row in rows]


def show(command: list[str]) -> None:
    """Run a command as a user would, and let its output through."""
    print(f"\n$ {' '.join(command)}", flush=True)
    subprocess.run(command, check=True)


def endpoint_of(specr: str, project: Path) -> str:
    """Where the deployment answers."""
    command = [specr, "-C", str(project), "output", "wine", "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return str(told["url"])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"quickstart: {' '.join(error.cmd)} failed with status {error.returncode}; see above")
