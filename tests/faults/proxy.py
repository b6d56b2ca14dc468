"""A TCP proxy on loopback whose connections can be cut, and whose door can be shut for a while."""

import asyncio
import contextlib

HOST = "127.0.0.1"


class Proxy:
    """Passes bytes between `port` and `target` for as long as `async with` lasts."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._shut = False

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Ends every connection at once, with a reset."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def shut(self, seconds: float) -> None:
        """Cuts, and lets nobody in for so long."""
        self._shut = True
        self.cut()
        await asyncio.sleep(seconds)
        self._shut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._shut:
                return
            there, back = await asyncio.open_connection(HOST, self._target)
            self._writers.add(back)
            try:
                await asyncio.gather(_pump(reader, back), _pump(there, writer))
            finally:
                self._writers.discard(back)
                back.transport.abort()
        except OSError:
            return  # the node is down: so is the connection
        finally:
            self._writers.discard(writer)
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
