"""WebSub's decisions, and where a feed says that it can be subscribed to."""

import hmac
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import codec
from streams.discovery import Endpoint, discovered, endpoint, links
from streams.feeds import FeedSpec
from streams.websub import (
    MOVE_AFTER,
    Capability,
    Push,
    Subscription,
    answered,
    asked,
    granted,
    intent,
    is_signed,
    judged,
    offered,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BASE = "https://pushes.example"
FEED = FeedSpec(key="harbour", url="https://wire.example/feeds/harbour.xml", name="Harbour Wire")
HUB, TOPIC = "https://hub.example/", "https://wire.example/self"


def capability(name: str = "a") -> Capability:
    return Capability(token=f"token-{name}", secret=f"secret-{name}")


def subscription() -> Subscription:
    made = offered(None, FEED, Endpoint(HUB, TOPIC), BASE, capability(), NOW)
    assert made is not None
    return asked(made, NOW)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('<https://hub.example/>; rel="hub", <https://wire.example/f>; rel="self"', ("https://hub.example/",)),
        ("<https://hub.example/>;rel=hub,<https://wire.example/f>;rel=self", ("https://hub.example/",)),
        ("<https://wire.example/f>; REL=Self, , <https://hub.example/> ; rel = HUB", ("https://hub.example/",)),
        ('<https://hub.example/>; title="a, \\"b\\"; rel=x"; rel="up hub", </f>; rel=self', ("https://hub.example/",)),
        ("<https://hub.example/>; rel=hub; rel=self, </f>; rel=self", ("https://hub.example/",)),
        ("<https://hub.example/a,b;c>; rel=hub, </f>; rel=self", ("https://hub.example/a,b;c",)),
        ("<https://a.example/>; rel=hub, <https://b.example/>; rel=hub, </f>; rel=self", ("https://a.example/",)),
        ('<https://x.example/>; rel=hub; anchor="/other", </hub>; rel=hub, </f>; rel=self', ("/hub",)),
    ],
)
def test_links_of_a_header_are_found_in_all_their_spellings(header: str, found: tuple[str]) -> None:
    hub, self_url = links(header, "https://wire.example/x")
    assert hub == (found[0] if found[0].startswith("https") else f"https://wire.example{found[0]}")
    assert self_url == "https://wire.example/f"


@pytest.mark.parametrize(
    "header",
    ["", ",", "<", "<>", "<>; rel=hub", "rel=hub", "<a>; rel", "<http://[>; rel=hub", '<a>; rel="hub', "\ud800"],
)
def test_a_header_without_links_gives_none(header: str) -> None:
    assert links(header, "https://wire.example/") == (None, None)


@given(st.text(alphabet='<>;,="\\ arelhubsf/:.\n\ud800', max_size=80))
def test_no_header_is_too_strange(header: str) -> None:
    hub, self_url = links(header, "https://wire.example/")
    endpoint(FEED.url, hub, self_url)


@pytest.mark.parametrize(
    "piece", ["<", "<a>", "<a>;", '<a>;b="', "<a>;b=", "; ", ' ="', "<a>;b=\\", ",", "<a> ", '"\\']
)
def test_a_long_header_costs_no_time(piece: str) -> None:
    started = time.perf_counter()
    links("<a>" + piece * 20_000)
    assert time.perf_counter() - started < 1


def test_headers_come_before_the_document() -> None:
    both = "<https://h.example/>; rel=hub, </s>; rel=self"
    assert discovered(both, TOPIC, HUB, TOPIC) == ("https://h.example/", "https://wire.example/s")
    assert discovered(None, TOPIC, HUB, TOPIC) == (HUB, TOPIC)
    assert discovered("<https://h.example/>; rel=hub", TOPIC, HUB, TOPIC) == (HUB, TOPIC)
    assert discovered("<https://h.example/>; rel=hub", TOPIC, None, TOPIC) == ("https://h.example/", TOPIC)
    assert discovered("", TOPIC, None, None) == (None, None)


@pytest.mark.parametrize(
    ("feed", "hub", "topic", "found"),
    [
        (FEED.url, HUB, TOPIC, Endpoint(HUB, TOPIC)),
        (FEED.url, "/hub", " self.xml\n", Endpoint("https://wire.example/hub", "https://wire.example/feeds/self.xml")),
        (FEED.url, "http://hub.example/", TOPIC, Endpoint(HUB, TOPIC)),
        (FEED.url, "http://hub.example:80/", TOPIC, Endpoint(HUB, TOPIC)),
        (FEED.url, "http://hub.example:8080/", TOPIC, None),
        ("http://wire.example/f", "http://hub.example:8080/", TOPIC, Endpoint("http://hub.example:8080/", TOPIC)),
        (FEED.url, HUB, None, None),
        (FEED.url, None, TOPIC, None),
        (FEED.url, "", TOPIC, None),
        (FEED.url, HUB, "urn:feed:1", None),
        (FEED.url, "https://user:pw@hub.example/", TOPIC, None),
        (FEED.url, "https://hub.example:99999/", TOPIC, None),
        (FEED.url, "https://hub.example:0/", TOPIC, None),
        (FEED.url, "https://hub.example/ /", TOPIC, None),
        (FEED.url, HUB, "https://wire.example/\udcff", None),
        (FEED.url, HUB, f"https://wire.example/{'x' * 3_000}", None),
    ],
)
def test_where_a_feed_may_be_subscribed_to(feed: str, hub: str | None, topic: str | None, found: Endpoint) -> None:
    assert endpoint(feed, hub, topic) == found


def test_hubs_in_changing_order_make_no_subscription_of_each_poll() -> None:
    before, other = subscription(), Endpoint("https://other.example/", TOPIC)
    soon = offered(before, FEED, other, BASE, capability("b"), NOW + MOVE_AFTER - timedelta(seconds=1))
    later = offered(before, FEED, other, BASE, capability("b"), NOW + MOVE_AFTER)
    assert soon == before
    assert later is not None
    assert (later.endpoint, later.capability, later.until, later.ask_at) == (other, capability("b"), None, later.since)


def test_a_feed_that_never_named_a_hub_has_no_subscription() -> None:
    assert offered(None, FEED, None, BASE, capability(), NOW) is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "hub.mode=subscribe",
        "hub.mode=subscribe&hub.topic=a&hub.topic=b",
        "hub.mode=subscribe&hub.mode=denied&hub.topic=a",
        "hub.mode=subscribe&hub.topic=%ff",
        "hub.mode=subscribe&hub.topic=\xe9",
        "hub.mode=subscribe&hub.topic=a" + "&x=1" * 30,
    ],
)
def test_a_malformed_or_ambiguous_query_says_nothing(query: str) -> None:
    assert intent(query) is None


@given(st.text(max_size=60) | st.dictionaries(st.sampled_from(["hub.mode", "hub.topic"]), st.text()).map(urlencode))
def test_no_query_is_too_strange(query: str) -> None:
    said = intent(query)
    after = said and answered(subscription(), said, NOW)
    assert after is None or codec.encode(after[0])


def test_a_hub_may_verify_again_while_its_lease_runs_but_nobody_unsubscribes_us() -> None:
    leased = granted(subscription(), timedelta(days=1), NOW)
    query = {"hub.topic": TOPIC, "hub.challenge": "c", "hub.lease_seconds": "60"}
    again = intent(urlencode(query | {"hub.mode": "subscribe"}))
    leave = intent(urlencode(query | {"hub.mode": "unsubscribe"}))
    assert again is not None
    assert leave is not None
    renewed = answered(leased, again, NOW)
    assert renewed is not None
    assert renewed[0].until == NOW + timedelta(seconds=60)
    assert answered(leased, leave, NOW) is None


def test_the_shortest_lease_does_not_make_us_ask_without_end() -> None:
    leased = granted(subscription(), timedelta(seconds=1), NOW)
    assert leased.ask_at == NOW + timedelta(minutes=1)


@given(st.text(), st.binary(max_size=50))
def test_only_the_right_signature_is_right(signature: str, body: bytes) -> None:
    right = f"sha256={hmac.new(b'secret-a', body, 'sha256').hexdigest()}"
    assert is_signed(right, "secret-a", body)
    assert is_signed(signature, "secret-a", body) == (signature.strip().lower() == right)
    assert not is_signed(right, "secret-b", body)
    assert not is_signed(right[:-1], "secret-a", body)


def test_two_signatures_are_none() -> None:
    right = f"sha1={hmac.new(b'secret-a', b'x', 'sha1').hexdigest()}"
    assert judged(subscription(), (right,), b"x") is Push.TAKEN
    assert judged(subscription(), (right, right), b"x") is Push.UNSIGNED


def test_a_subscription_is_the_same_after_it_was_stored() -> None:
    leased = granted(subscription(), timedelta(days=1), NOW)
    assert codec.decode(codec.encode(leased), Subscription) == leased
