# wan-mcp over streamable HTTP, for callers with tokens. Without them it refuses to start: whoever calls spends your
# money. docs/http.md says more.
#
#   docker build -t wan-mcp .
#   (umask 077; docker run --rm wan-mcp token alice >> tokens.toml)
#   docker run -p 127.0.0.1:8765:8765 -e DASHSCOPE_API_KEY -v wan-ledger:/ledger -v wan-videos:/videos \
#     -v "$PWD/tokens.toml:/etc/wan-mcp/tokens.toml:ro" wan-mcp
#
# The user inside, 1000, must be able to read the tokens: build with --build-arg UID=$(id -u) where yours is another.
# Callers on other machines need a name: -e WAN_MCP_ALLOWED_HOSTS=video.example.com, and a proxy with TLS before it.

FROM python:3.13-slim AS build

RUN python -m venv /opt/wan-mcp
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN /opt/wan-mcp/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY wan_mcp wan_mcp
RUN /opt/wan-mcp/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim

ARG UID=1000
RUN useradd --uid "$UID" --create-home wan && mkdir /ledger /videos && chown wan: /ledger /videos
COPY --from=build /opt/wan-mcp /opt/wan-mcp
ENV PATH=/opt/wan-mcp/bin:$PATH \
    WAN_MCP_LEDGER=/ledger/ledger.db \
    WAN_MCP_OUTPUT_DIR=/videos \
    WAN_MCP_TOKENS_FILE=/etc/wan-mcp/tokens.toml

USER wan
WORKDIR /ledger
VOLUME ["/ledger", "/videos"]
EXPOSE 8765
HEALTHCHECK --start-period=10s --timeout=5s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/healthz', timeout=4)"]
ENTRYPOINT ["wan-mcp"]
CMD ["serve", "--transport", "streamable-http", "--host", "0.0.0.0", "--port", "8765"]
