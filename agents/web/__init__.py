"""The live page: what the alerts, the ledger and the feeds are right now, for a person with a browser.

    topics ──follower──▶ board ──┬─ views ──▶ /api/alerts, /api/ledger, /api/feeds
                                 └─ audience ──▶ /events
    page.html, page.css, *.js      everything else; no build, nothing from another host

It reads in no consumer group and commits nothing, so it can be started, stopped and doubled at will. All that it
shows is in memory and bounded; a start reads the newest stretch of each log again.

Story text comes from strangers. It leaves here as JSON alone, enters the page as text nodes alone, and the policy
that goes with every answer (`agents.web.shield`) would stop what slipped through.
"""
