"""Stores links to AWS and the request as XComs while a step runs, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ...links import LINKS
from ...xcom_keys import REQUEST_KEY
from .protocol import TaskStore


class PublishedLinks:
    """Stores each link and the request, once.

    values   the stored values by XCom key, including those of an earlier process of this attempt
    """

    def __init__(self, store: TaskStore, values: Mapping[str, object]) -> None:
        self._store = store
        self.values = dict(values)

    async def publish(self, facts: Mapping[str, str]) -> None:
        """Store new ``facts``: ``{"console", "logs", "output": URL, "request": JSON}``."""
        for link in LINKS:
            url = facts.get(link.fact)
            if url and self.values.get(link.xcom_key) != url:
                self.values[link.xcom_key] = url
                await self._store.set(link.xcom_key, url)
        if facts.get("request"):
            self.values[REQUEST_KEY] = json.loads(facts["request"])
            await self._store.set(REQUEST_KEY, self.values[REQUEST_KEY])
