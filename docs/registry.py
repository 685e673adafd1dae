"""Writes the `server.json` that a release is published with: the one of this folder, and the hash of the bundle.

The registry wants the hash of the very file that people download, so it is known only when the bundle is packed
(`make bundle`). Source: the package types of the MCP registry, section MCPB.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Write it beside the bundle that the command line names."""
    bundle = Path(sys.argv[1])
    told: dict[str, Any] = json.loads((ROOT / "server.json").read_text("utf-8"))
    [package] = told["packages"]
    package["fileSha256"] = hashlib.sha256(bundle.read_bytes()).hexdigest()
    (bundle.parent / "server.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
