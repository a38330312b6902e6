"""Gates of a scripted model that a test opens word by word, so that nothing depends on how quick anybody is."""

import asyncio
from typing import Literal


class Words(asyncio.Event):
    """Lets so many words through, and all of them once it is set."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self._left = asyncio.Semaphore(words)

    def let(self, words: int) -> None:
        """Let so many more through."""
        for _ in range(words):
            self._left.release()

    def set(self) -> None:
        super().set()
        self._left.release()

    async def wait(self) -> Literal[True]:
        if not self.is_set():
            await self._left.acquire()
        if self.is_set():
            self._left.release()  # to whoever waits beside
        return True
