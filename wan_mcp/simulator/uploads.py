"""Temporary uploads: the policy, and the bucket that takes the file.

Source: help.aliyun.com/zh/model-studio/get-temporary-file-url.
"""

import base64
import hashlib
import hmac
import io
import json
import wave
from datetime import datetime
from email.message import Message
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from .calls import Call
from .checks import Asked
from .errors import Refusal
from .models import MODELS
from .oss import ACCESS_KEY, SECRET, OssError
from .simulator import Simulator, Upload

__all__ = ["policy", "receive_upload", "upload_fault"]

MAX_FILE_MB = 100
MAX_AUDIO = 15 * 1024 * 1024
AUDIO_SECONDS = (3, 30)


def policy(sim: Simulator, call: Call) -> dict[str, Any]:
    """Allow one model's files to be uploaded for the next minutes."""
    sim.let_in("policy", sim.settings.policy_rate)
    if call.query.get("action") != "getPolicy":
        raise Refusal("InvalidParameter", "Required parameter(action) missing or invalid.")
    model = call.query.get("model", "")
    if model not in MODELS:
        raise Refusal("InvalidParameter", "Model not exist.")
    lifetime = sim.settings.policy_lifetime
    folder = f"dashscope-instant/{uuid4().hex}/{sim.clock.now():%Y-%m-%d}/{uuid4()}"
    rules = {
        "expiration": (sim.clock.now() + lifetime).isoformat(),
        "conditions": [["starts-with", "$key", folder], {"model": model}],
    }
    encoded = base64.b64encode(json.dumps(rules).encode()).decode()
    return {
        "data": {
            "policy": encoded,
            "signature": _signed(encoded),
            "upload_dir": folder,
            "upload_host": f"{call.scheme}://{call.host}/upload-bucket",
            "expire_in_seconds": int(lifetime.total_seconds()),
            "max_file_size_mb": MAX_FILE_MB,
            "capacity_limit_mb": 999999999,
            "oss_access_key_id": ACCESS_KEY,
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }
    }


def receive_upload(sim: Simulator, call: Call) -> Response:
    """Keep one posted file, if its policy holds and its place is free."""
    parts = _parts(call)
    fields = {name: body.decode("utf-8", "replace") for name, body in parts if name != "file"}
    if not parts or parts[-1][0] != "file":
        raise OssError(400, "InvalidArgument", "POST requires exactly one file upload per request.")
    body = parts[-1][1]
    rules = _checked_policy(sim, fields)
    key = fields.get("key", "")
    if not key.startswith(rules["conditions"][0][2] + "/"):
        raise OssError(403, "AccessDenied", "Invalid according to Policy: Policy Condition failed: key")
    if key in sim.uploads:
        raise OssError(409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten.")
    if len(body) > MAX_FILE_MB * 1024 * 1024:
        raise OssError(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
    sim.uploads[key] = Upload(model=rules["conditions"][1]["model"], body=body, at=sim.clock.now())
    return Response(status_code=int(fields.get("success_action_status", "204")))


def upload_fault(sim: Simulator, what: Asked) -> Refusal | None:
    """What is wrong with the uploaded sound a task names."""
    audio = what.input.get("audio_url")
    if not isinstance(audio, str) or not audio.startswith("oss://"):
        return None
    upload = sim.uploads.get(audio.removeprefix("oss://"))
    if upload is None or upload.model != what.model:
        return Refusal("InvalidParameter", "Failed to download multimodal content.")
    if sim.clock.now() > upload.at + sim.settings.upload_lifetime:
        return Refusal("InvalidParameter", "Failed to download multimodal content.")
    if len(upload.body) > MAX_AUDIO:
        return Refusal("InvalidURL", "File size is larger than 15MB.")
    return _wave_fault(upload.body) if audio.endswith(".wav") else None


def _signed(encoded: str) -> str:
    return base64.b64encode(hmac.digest(SECRET, encoded.encode(), hashlib.sha1)).decode()


def _checked_policy(sim: Simulator, fields: dict[str, str]) -> dict[str, Any]:
    encoded = fields.get("policy", "")
    if fields.get("OSSAccessKeyId") != ACCESS_KEY:
        raise OssError(403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.")
    if not hmac.compare_digest(fields.get("Signature", ""), _signed(encoded)):
        raise OssError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        )
    rules = json.loads(base64.b64decode(encoded))
    if sim.clock.now() > datetime.fromisoformat(rules["expiration"]):
        raise OssError(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    return rules


def _parts(call: Call) -> list[tuple[str, bytes]]:
    """The parts of a form in their order, which matters: OSS ignores what follows the file."""
    boundary = _header_parameter(call.header("content-type") or "", "boundary")
    if boundary is None:
        raise OssError(
            400,
            "MalformedPOSTRequest",
            "The body of your POST request is not well-formed multipart/form-data.",
        )
    found: list[tuple[str, bytes]] = []
    for chunk in (b"\r\n" + call.body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, body = chunk.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = (line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n"))
        disposition = next((value for name, _, value in lines if name.lower() == "content-disposition"), "")
        found.append((_header_parameter(disposition, "name") or "", body))
    return found


def _header_parameter(header: str, name: str) -> str | None:
    message = Message()
    message["Content-Disposition"] = header.strip()
    value = message.get_param(name, header="content-disposition")
    return value if isinstance(value, str) else None


def _wave_fault(body: bytes) -> Refusal | None:
    """A sound's length is looked at where the standard library can read it: not in an MP3."""
    try:
        with wave.open(io.BytesIO(body)) as sound:
            seconds = sound.getnframes() / sound.getframerate()
    except (wave.Error, EOFError):
        return Refusal("InvalidFile.Format")
    shortest, longest = AUDIO_SECONDS
    return None if shortest <= seconds <= longest else Refusal("InvalidFile.Duration")
