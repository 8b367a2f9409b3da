"""What providers promise that run programs: logs, secrets, time limits, fixed ports."""

from __future__ import annotations

import socket
from pathlib import Path

from msgspec.structs import replace

from specr.providers.protocol import Prober
from specr.resources.compute import SecretValue, ValueSource
from specr.testing.provider_site import LINEAGE, Behaviour, Suite, drift, model_id, ref_to, refused

_SECRET = "hunter2-and-more"  # noqa: S105 - a secret of no use


class ProcessPromises(Suite):
    """Programs get what was ordered, and what they print is kept."""

    def test_what_a_processor_prints_is_kept_in_order(self, tmp_path: Path) -> None:
        """All of it, or its end."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            order = replace(site.platform.build("a", "t1"), env={"SAY": "one|two|three"})
            site.make(provider, order)
            assert list(provider.logs(ref_to(order))) == ["one", "two", "three"]
            assert list(provider.logs(ref_to(order), tail=2)) == ["two", "three"]
            assert list(provider.logs(ref_to(order), tail=0)) == []

    def test_what_a_runtime_prints_is_kept(self, tmp_path: Path) -> None:
        """While it runs."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            order = replace(site.platform.deployment("a", "t1"), env={"SAY": "one|two"})
            site.make(provider, order)
            assert list(provider.logs(ref_to(order)))[:2] == ["one", "two"]

    def test_nothing_was_printed_by_what_is_not_there(self, tmp_path: Path) -> None:
        """Which is no error."""
        with self.site(tmp_path) as site:
            assert list(site.provider().logs(ref_to(site.platform.deployment("a", "t1")))) == []

    def test_secrets_reach_the_program_and_no_log(self, tmp_path: Path) -> None:
        """The program prints its own secret."""
        secret = tmp_path / "secret"
        secret.write_text(f"{_SECRET}\n")
        value = SecretValue(value_from=ValueSource(file=str(secret)))
        with self.site(tmp_path / "site") as site:
            provider = site.provider()
            order = replace(site.platform.build("a", "t1"), env={"KEY": value, "TELL": "KEY", "SAY": "said"})
            site.make(provider, order)
            lines = list(provider.logs(ref_to(order)))
            assert len(lines) == 2, "the program did not get the secret, or its output was lost"
            assert _SECRET not in "".join(lines)

    def test_a_missing_secret_is_told_and_nothing_runs(self, tmp_path: Path) -> None:
        """With the place where it was looked for."""
        value = SecretValue(value_from=ValueSource(file=str(tmp_path / "nowhere")))
        with self.site(tmp_path / "site") as site:
            order = replace(site.platform.deployment("a", "t1"), env={"KEY": value})
            assert "nowhere" in refused(lambda: site.provider().create(order))
            site.provider().delete(ref_to(order))
            assert site.platform.existing(LINEAGE) == frozenset()

    def test_the_exit_status_is_told(self, tmp_path: Path) -> None:
        """Of processors and runtimes."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            for order in (
                site.platform.build("a", "t1", Behaviour.FAILS),
                site.platform.deployment("a", "t2", Behaviour.FAILS),
            ):
                provider.create(order)
                assert "3" in site.finish(provider, order).message

    def test_a_processor_that_writes_nothing_has_failed(self, tmp_path: Path) -> None:
        """Though it exits with status 0."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            order = site.platform.build("a", "t1", Behaviour.EMPTY)
            provider.create(order)
            readiness = site.finish(provider, order)
            assert not readiness.succeeded
            assert "TARGET_PATH" in readiness.message

    def test_a_processor_is_stopped_at_its_time_limit(self, tmp_path: Path) -> None:
        """And the limit is told."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            order = replace(site.platform.build("a", "t1", Behaviour.HANGS), timeout=1)
            provider.create(order)
            readiness = site.finish(provider, order)
            assert not readiness.succeeded
            assert "1 s" in readiness.message


class ProberPromises(Suite):
    """Runtimes that nobody else asks are asked whether they answer (`Prober`)."""

    def test_a_runtime_that_is_not_ready_is_told(self, tmp_path: Path) -> None:
        """One that is ready is not."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            assert isinstance(provider, Prober)
            good = site.platform.deployment("a", "t1")
            site.make(provider, good)
            bad = site.platform.deployment("b", "t2", Behaviour.HANGS)
            provider.create(bad)
            asked = [(ref_to(order), order.readiness_path) for order in (good, bad)]
            silent = provider.probe(asked, site.platform.patience)
            assert silent.keys() == {bad.address}
            assert bad.readiness_path in silent[bad.address]


class FixedPortPromises(Suite):
    """A fixed port is kept from one deployment to the next."""

    def test_a_first_deployment_is_on_its_port(self, tmp_path: Path) -> None:
        """Once promoted."""
        with self.site(tmp_path) as site:
            port = _free_port()
            order = replace(site.platform.deployment("a", "t1"), port=port)
            ref = site.roll_out(site.provider(), order)
            assert ref.attributes["endpoint"].endswith(f":{port}")

    def test_the_next_one_gets_the_port_once_promoted(self, tmp_path: Path) -> None:
        """It is ready elsewhere before that, and the old one serves."""
        with self.site(tmp_path) as site:
            provider, port = site.provider(), _free_port()
            old = site.roll_out(provider, replace(site.platform.deployment("a", "t1"), port=port))
            order = replace(site.platform.deployment("a", "t2"), port=port, model_id="new-v2")
            new = site.make(provider, order)
            assert model_id(provider, new) == "new-v2"
            assert model_id(provider, old) != "new-v2"
            promoted = provider.promote(new, order, [old])
            assert promoted["endpoint"] == old.attributes["endpoint"]
            provider.delete(old)
            new = replace(new, attributes={**new.attributes, **promoted})
            assert model_id(provider, new) == "new-v2"
            assert drift(provider, new) == {}
            assert site.provider().promote(new, order, []) == promoted

    def test_a_stranger_on_the_port_is_told(self, tmp_path: Path) -> None:
        """It keeps its port."""
        with self.site(tmp_path) as site, socket.socket() as stranger:
            stranger.bind(("127.0.0.1", 0))
            stranger.listen()
            port = stranger.getsockname()[1]
            order = replace(site.platform.deployment("a", "t1"), port=port)
            assert str(port) in refused(lambda: site.roll_out(site.provider(), order))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
