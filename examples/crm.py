"""Takes events in Python: pip install bullmq"""
import asyncio, os, signal, sqlite3
from bullmq import Worker

seen = sqlite3.connect("seen.db")
seen.execute("create table if not exists events (id text primary key)")

async def handle(job, token):
    event = job.data  # a CloudEvent
    key = event["source"] + " " + event["id"]
    if seen.execute("select 1 from events where id = ?", (key,)).fetchone():
        return
    if event["type"] == "user.created":
        print("created", event["data"].get("clientId"), event["data"]["userId"])
    # Ignore unknown types and fields: a later version may add some.
    with seen:
        seen.execute("insert or ignore into events values (?)", (key,))

async def main():
    worker = Worker("user-events", handle, {"connection": os.environ["REDIS_URL"], "prefix": "{damoov}"})
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await stop.wait()
    await worker.close()

asyncio.run(main())
