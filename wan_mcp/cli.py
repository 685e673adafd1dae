"""stub"""
import gc
gc.disable()
from contextlib import asynccontextmanager
from importlib import import_module
import anyio.to_thread

@asynccontextmanager
async def _open():
    import anyio.to_thread
    await anyio.to_thread.run_sync(import_module, "wan_mcp.service.videos")
    from wan_mcp.service.videos import open_service
    from wan_mcp.settings import Settings
    async with open_service(Settings.read()) as v:
        yield v

def main():
    from wan_mcp.server.transports import serve_stdio, log_to_stderr
    log_to_stderr("INFO")
    serve_stdio(_open)
