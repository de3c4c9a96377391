"""Adds jobs from Python: pip install bullmq"""
import asyncio, os
from bullmq import Queue

async def main():
    jobs = Queue("user-jobs", {"connection": os.environ["REDIS_URL"], "prefix": "{damoov}"})

    # A job id of your own makes the add safe to repeat. It must be no number and have no colon.
    await jobs.add("create-user", {
        "clientId": "customer-4711",
        "profile": {"firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com"},
        "occurredAt": "2026-11-25T12:00:00Z",
    }, {"jobId": "sign-up-4711"})

    await jobs.add("update-user", {"clientId": "customer-4711", "changes": {"phone": "+44 20 7946 0000", "nickname": None}})

    # A deletion that is due in 30 days, in milliseconds.
    await jobs.add("delete-user", {"clientId": "customer-4711", "reason": "account closed"}, {"delay": 30 * 24 * 3600 * 1000})
    await jobs.close()

asyncio.run(main())
