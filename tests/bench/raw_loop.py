"""The yardstick: a bare aiokafka loop that does the work of a story and nothing of Listwire's guarantees.

`getmany(500)`; each message decoded, scanned for names and cues, and read where it may carry a change; one message in
50 sent on; the acknowledgements of a batch gathered; then the offsets committed. One line of JSON says what it took:
`python raw_loop.py HOST:PORT TOPIC COUNT`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from time import perf_counter, process_time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from workload import EVERY

from streams.classifying import classify
from streams.codec import decode, encode
from streams.reading import read
from streams.records import Classified, Story
from streams.registry import load_registry
from streams.reports import reports

SENT_TO = "bench.raw"


async def loop(bootstrap: str, topic: str, count: int) -> dict[str, float]:
    """Seconds of processor and of wall for `count` messages, and how many of them were news."""
    registry = load_registry().without_baseline()
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"raw-{topic}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await consumer.start()
    await producer.start()
    done = news = 0
    began = (0.0, 0.0, 0)
    while done < count:
        acks = []
        for batch in (await consumer.getmany(timeout_ms=1000, max_records=500)).values():
            for message in batch:
                story = decode(message.value, Story)
                found = classify(story, registry)
                if isinstance(found, Classified):
                    news += len(reports(found, read(story, registry), ()))
                if done % EVERY == 0:
                    acks.append(await producer.send(SENT_TO, encode(story), message.key))
                done += 1
        await asyncio.gather(*acks)
        await consumer.commit()
        if not began[2] and done >= count / 10:  # caches and models are warm
            began = (process_time(), perf_counter(), done)
    took = {"cpu_s": process_time() - began[0], "wall_s": perf_counter() - began[1], "stories": done - began[2]}
    await consumer.stop()
    await producer.stop()
    return took | {"news": news}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(loop(sys.argv[1], sys.argv[2], int(sys.argv[3])))) + "\n")
