"""What the service looks at before it renders, and when.

`asked` refuses at once what the gateway refuses; `fault` finds what the model finds, which the
service tells only in the FAILED task (a missing prompt included). Source:
help.aliyun.com/zh/model-studio/legacy-wan-text-to-video-api-reference and /error-code.
"""

from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from .calls import Call
from .errors import Refusal
from .models import MODELS, Model

__all__ = ["Asked", "Order", "asked", "fault", "order"]

MAX_SEED = 2147483647
SWITCHES = ("prompt_extend", "watermark", "audio")
DEFAULT_DURATION = 5


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A body with the three parts it must have; nothing in them is checked yet."""

    model: str
    input: dict[str, object]
    parameters: dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a task renders: every default filled in, prompts cut to the model's limits."""

    model: str
    prompt: str
    negative_prompt: str = ""
    audio_url: str | None = None
    size: str = "1920*1080"
    duration: int = DEFAULT_DURATION
    prompt_extend: bool = True
    watermark: bool = False
    seed: int = 0


def asked(call: Call) -> Asked:
    """The parts of a creation's body, or the gateway's refusal of it."""
    if not (call.header("content-type") or "").startswith("application/json"):
        raise Refusal("BadRequest.IllegalInput")
    if call.fields is None:
        raise Refusal("BadRequest.IllegalInput")
    model, given, parameters = call.field("model"), call.field("input"), call.field("parameters")
    if not isinstance(model, str) or not model:
        raise Refusal("BadRequest.EmptyModel")
    if model not in MODELS:
        raise Refusal("InvalidParameter", "Model not exist.")
    if not isinstance(given, dict):
        raise Refusal("BadRequest.EmptyInput")
    if not isinstance(parameters, dict | None):
        raise Refusal("BadRequest.EmptyParameters")
    parts = cast("dict[str, object]", given), cast("dict[str, object]", parameters or {})
    return Asked(model=model, input=parts[0], parameters=parts[1])


def fault(what: Asked) -> Refusal | None:
    """The first thing the model cannot work with; unknown keys are not looked at."""
    model = MODELS[what.model]
    return (
        _prompt_fault(what.input)
        or _size_fault(what.parameters, model)
        or _duration_fault(what.parameters, model)
        or _seed_fault(what.parameters)
        or _switch_fault(what.parameters)
        or _audio_fault(what.input, model)
    )


def order(what: Asked, *, seed: int) -> Order:
    """The order as it is rendered. Over-long prompts are cut without a word, as the service does."""
    model, parameters = MODELS[what.model], what.parameters
    audio = what.input.get("audio_url")
    return Order(
        model=what.model,
        prompt=_text(what.input.get("prompt"))[: model.prompt_limit],
        negative_prompt=_text(what.input.get("negative_prompt"))[: model.negative_prompt_limit],
        audio_url=audio if isinstance(audio, str) else None,
        size=_text(parameters.get("size")) or model.default_size,
        duration=_whole(parameters.get("duration"), DEFAULT_DURATION),
        prompt_extend=parameters.get("prompt_extend") is not False,
        watermark=parameters.get("watermark") is True,
        seed=_whole(parameters.get("seed"), seed),
    )


def _prompt_fault(given: dict[str, object]) -> Refusal | None:
    prompt = given.get("prompt")
    if prompt is None or prompt == "":
        return Refusal("InvalidParameter", "Field required: input.prompt")
    if not isinstance(prompt, str):
        return Refusal("InvalidParameter", "Input should be a valid string: input.prompt")
    if not isinstance(given.get("negative_prompt", ""), str | None):
        return Refusal("InvalidParameter", "Input should be a valid string: input.negative_prompt")
    return None


def _size_fault(parameters: dict[str, object], model: Model) -> Refusal | None:
    size = parameters.get("size")
    if size is None or size in model.sizes:
        return None
    return Refusal("InvalidParameter", "The size is not match the requirement of this model")


def _duration_fault(parameters: dict[str, object], model: Model) -> Refusal | None:
    duration = parameters.get("duration")
    # `True` equals 1 in Python; the service would not take it for a number.
    if duration is None or (duration in model.durations and not isinstance(duration, bool)):
        return None
    choices = ", ".join(str(one) for one in model.durations)
    return Refusal("InvalidParameter", f"The duration is not supported by this model, must be one of {choices}")


def _seed_fault(parameters: dict[str, object]) -> Refusal | None:
    seed = parameters.get("seed")
    if seed is None or (isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed <= MAX_SEED):
        return None
    return Refusal("InvalidParameter", f"The seed must be an integer in [0, {MAX_SEED}]")


def _switch_fault(parameters: dict[str, object]) -> Refusal | None:
    for name in SWITCHES:
        if not isinstance(parameters.get(name), bool | None):
            return Refusal("InvalidParameter", f"Input should be a valid boolean: parameters.{name}")
    return None


def _audio_fault(given: dict[str, object], model: Model) -> Refusal | None:
    audio = given.get("audio_url")
    if audio is None or audio == "" or not model.has_sound:
        return None
    parts = urlsplit(audio) if isinstance(audio, str) else None
    if parts is None or parts.scheme not in ("http", "https", "oss") or not parts.netloc:
        return Refusal("InvalidURL")
    file = parts.path.rsplit("/", 1)[-1].lower()
    if "." in file and not file.endswith((".wav", ".mp3")):
        return Refusal("InvalidURL", "File type is not supported. Allowed types are: .wav, .mp3.")
    return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: object, default: int) -> int:
    return int(value) if isinstance(value, int | float) else default
