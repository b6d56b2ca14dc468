"""Each metric moves when its cause happens, and only then."""

import logging
import shutil
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from agents.broker_errors import count_client_errors
from agents.egress import BlockedAddress, guard, inner_guard
from agents.metrics import Client, Way, begin_registry
from agents.vitals import registry_hash, tell_vitals

LOOPBACK = (2, 1, 6, "", ("127.0.0.1", 443))
CLIENTS = logging.getLogger("aiokafka")


@pytest.fixture
def counted_errors() -> Iterator[None]:
    before = CLIENTS.handlers[:]
    count_client_errors()
    count_client_errors()
    yield
    CLIENTS.handlers[:] = before


@pytest.mark.usefixtures("counted_errors")
class TestErrorsOfTheBrokersClients:
    @pytest.mark.parametrize(
        ("name", "client"),
        [
            ("aiokafka.consumer.fetcher", "consumer"),
            ("aiokafka.producer.sender", "producer"),
            ("aiokafka.conn", "other"),
            ("aiokafka", "other"),
        ],
    )
    def test_an_error_counts_once_for_the_client_that_logged_it(self, meter: Any, name: str, client: str) -> None:
        logging.getLogger(name).error("no connection to node %s", 1)
        moved = {str(kind): meter.moved("listwire_broker_errors_total", client=kind) for kind in Client}
        assert moved == {str(kind): float(kind == client) for kind in Client}

    def test_a_warning_and_what_is_known_to_mean_nothing_do_not_count(self, meter: Any) -> None:
        CLIENTS.warning("heartbeat late")
        CLIENTS.error("NotLeaderForPartitionError: a new topic")
        assert all(meter.moved("listwire_broker_errors_total", client=kind) == 0 for kind in Client)


class TestAddressesThatAreNotDialled:
    @pytest.mark.parametrize("way", Way)
    @pytest.mark.parametrize("make", [lambda way: guard(way=way), lambda way: inner_guard((), way)])
    def test_each_counts_for_what_it_was_to_be_dialled(self, meter: Any, make: Callable[..., Any], way: Way) -> None:
        with pytest.raises(BlockedAddress):
            make(way)(LOOPBACK)
        moved = {kind: meter.moved("listwire_egress_blocked_total", what=kind) for kind in Way}
        assert moved == {kind: float(kind == way) for kind in Way}

    def test_one_that_is_allowed_does_not(self, meter: Any) -> None:
        guard([ip_network("127.0.0.0/8")])(LOOPBACK).close()
        assert all(meter.moved("listwire_egress_blocked_total", what=kind) == 0 for kind in Way)


class TestVitals:
    def test_the_free_space_is_that_of_the_data_folder_made_or_not(self, meter: Any, tmp_path: Path) -> None:
        tell_vitals(tmp_path / "not" / "yet")
        free = meter.value("listwire_data_free_bytes")
        assert free is not None
        assert abs(free - shutil.disk_usage(tmp_path).free) < 1 << 30  # others write meanwhile

    def test_what_runs_is_told_with_its_registry(self, meter: Any, tmp_path: Path) -> None:
        tell_vitals(tmp_path)
        assert any(
            name == "listwire_build_info" and ("registry", registry_hash()) in labels and value == 1
            for (name, labels), value in meter._samples().items()
        )

    def test_series_by_keys_of_the_registry_begin_at_0(self, meter: Any) -> None:
        assert meter.value("listwire_group_alerts_total", group="a-group-of-this-test") is None
        begin_registry(["an-authority"], ["a-group-of-this-test"])
        assert meter.value("listwire_group_alerts_total", group="a-group-of-this-test") == 0
        assert meter.value("listwire_authority_alerts_total", authority="an-authority") == 0

    @pytest.mark.parametrize("name", ["resident_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds"])
    def test_the_process_tells_of_itself(self, meter: Any, name: str) -> None:
        assert (meter.value(f"process_{name}") or 0) > 0
