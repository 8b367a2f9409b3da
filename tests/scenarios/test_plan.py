"""Every plan action and every reason, as users see them: a folder each, with golden text.

A scenario applies `before.yaml` on the memory provider, lets happen what `meanwhile.txt`
tells, and plans `after.yaml`:

    write FILE TEXT           other bytes in a file
    lose ADDRESS              the object is gone from its provider
    tamper ADDRESS KEY VALUE  somebody changed an attribute of the object
    lose-store                the store's bytes are gone
    taint ADDRESS             the object must be made anew
    interrupt ADDRESS ACTION  a process died between intent and result; `replace`: it made the same anew
    serve                     the folder is served over HTTP, at $URL
    policy TEXT               the project gets this policy
    options OPTION...         options for `specr plan`
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from msgspec.structs import replace

from specr.address import Address, parse_address
from specr.backends.protocol import Begin, Put
from specr.backends.sqlite import SqliteBackend
from specr.cli.program import run
from specr.plan.codec import plan_from_text
from specr.plan.desired import effect_of
from specr.plan.model import Plan
from specr.providers.memory import MemoryProvider
from specr.providers.memory_world import FileWorld, MemoryWorld
from specr.state.checks import check_state
from specr.state.model import Pending, State

FOLDER = Path(__file__).parent / "plan"
SCENARIOS = sorted(p.name for p in FOLDER.iterdir() if p.is_dir())
Golden = Callable[[Path, str], None]


class Project:
    """A scenario's project, in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self.options: list[str] = []
        self.url = ""
        shutil.copy(FOLDER / "base.yaml", folder / "specr.yaml")
        (folder / "model.bin").write_text("the model\n")
        (folder / "other.bin").write_text("the other model\n")

    def declare(self, spec: Path) -> None:
        (self.folder / "main.yaml").write_text(spec.read_text().replace("$URL", self.url))

    def run(self, *arguments: str) -> tuple[int, str]:
        code = run(["-C", str(self.folder), *arguments])
        captured = self._capsys.readouterr()
        return code, captured.out + captured.err

    @property
    def backend(self) -> SqliteBackend:
        return SqliteBackend(self.folder / ".specr" / "state.db")

    def happen(self, line: str, stack: ExitStack) -> None:
        verb, *words = line.split()
        match verb:
            case "write":
                (self.folder / words[0]).write_text(" ".join(words[1:]))
            case "lose":
                self._lose(parse_address(words[0]))
            case "tamper":
                self._tamper(parse_address(words[0]), words[1], json.loads(words[2]))
            case "lose-store":
                self._lose_store()
            case "taint":
                self._write_state(lambda s: Put(replace(s.objects[parse_address(words[0])], tainted=True)))
            case "interrupt":
                self._write_state(lambda s: Begin(_intent(s, parse_address(words[0]), words[1])))
            case "serve":
                self.url = stack.enter_context(serving(self.folder))
            case "policy":
                specs = self.folder / "specr.yaml"
                head, first, rest = specs.read_text().partition("spec:\n")
                specs.write_text(f"{head}{first}  policy: {' '.join(words)}\n{rest}")
            case "options":
                self.options = words
            case _:
                raise AssertionError(f"no such thing can happen: {line}")

    def _lose(self, address: Address) -> None:
        state = self.backend.read()
        FileWorld(self.folder / ".specr" / "memory.db").remove(state.lineage, state.objects[address].token)

    def _lose_store(self) -> None:
        for path in (self.folder / ".specr" / "store").rglob("*"):
            path.chmod(0o700)
        shutil.rmtree(self.folder / ".specr" / "store")

    def _tamper(self, address: Address, key: str, value: object) -> None:
        state = self.backend.read()
        world = FileWorld(self.folder / ".specr" / "memory.db")
        thing = world.get(state.lineage, state.objects[address].token)
        assert thing is not None
        world.put(thing.with_attributes({**thing.attributes, key: value}))

    def _write_state(self, make: Callable[..., Put | Begin]) -> None:
        backend = self.backend
        state = backend.read()
        lease = backend.lock(holder="test", operation="test", seconds=60)
        backend.write(lease, state.serial, [make(state)])
        backend.release(lease)


def _intent(state: State, address: Address, action: str) -> Pending:
    effect = "sha256:0"
    if action == "replace":
        effect = effect_of(
            address, state.objects[address].arguments, MemoryProvider(MemoryWorld(), lineage="").schema
        )
    return Pending(address, action, "memory", "token-of-the-dead", effect, "sha256:1")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The folder over HTTP, until the end of the block."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(
    name: str,
    tmp_path: Path,
    golden: Golden,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = FOLDER / name
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("FRAUD_KEY", "not to be seen anywhere")
    project = Project(tmp_path, capsys)
    with ExitStack() as stack:
        if (scenario / "before.yaml").exists():
            project.declare(scenario / "before.yaml")
            code, output = project.run("apply", "--auto-approve")
            assert code == 0, output
        if (scenario / "meanwhile.txt").exists():
            for line in (scenario / "meanwhile.txt").read_text().splitlines():
                project.happen(line, stack)
        project.declare(scenario / "after.yaml")
        arguments = ("plan", "--detailed-exitcode", *project.options)
        code, output = project.run(*arguments, "--out", str(tmp_path / "my.plan"))
        assert "not to be seen" not in output
        golden(scenario / "expected.txt", f"exit code {code}\n\n{neutral(output, project)}")
        if code == 2:
            check_plan_file(tmp_path / "my.plan")
            heal(project)


def neutral(output: str, project: Project) -> str:
    """The output without what differs from run to run."""
    output = output.replace(str(project.folder), "FOLDER")
    return re.sub(r"127\.0\.0\.1:\d+", "HOST", output)


def check_plan_file(path: Path) -> Plan:
    """The saved plan can be read back and leaves apply no choices."""
    plan = plan_from_text(path.read_bytes())
    assert plan.steps
    return plan


def heal(project: Project) -> None:
    """Every plan can be carried out from its file, and nothing is left to do after it."""
    code, output = project.run("apply", str(project.folder / "my.plan"))
    assert code == 0, output
    assert not check_state(project.backend.read())
    assert not project.backend.read().pending
    if not {"--destroy", "--target"} & set(project.options):
        code, output = project.run("plan", "--detailed-exitcode")
        assert code == 0, output
