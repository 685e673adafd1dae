"""What callers are shown of a preview: which frames are on the sheet, in words and as data. Imports no SDK."""

from typing import Any

from wan_mcp.domain.language import say, sentences
from wan_mcp.server import views
from wan_mcp.server.film_views import shots_words
from wan_mcp.service.report import FilmPreview, Preview

USUAL_FRAMES = 4
MOST_FRAMES = 12


def view(made: Preview) -> tuple[str, dict[str, Any]]:
    """Which frames are on the sheet, and what they are to be compared with."""
    task, sheet = made.report.task, made.sheet
    [length], [times] = sheet.seconds, sheet.times
    next_step = say("Compare them with the prompt. Another take is paid again: create_video with another seed.")
    shown = {
        "task_id": task.id,
        "file": task.file,
        "prompt": task.request.prompt,
        "seconds": round(length, 2),
        "times": [round(moment, 2) for moment in times],
        "next_step": next_step,
    }
    words = say(
        "{task} ({size}, {seconds} s) as it looks at {times} s, in reading order. Prompt: “{prompt}”.",
        task=task.id,
        size=task.request.size,
        seconds=f"{length:.1f}",
        times=", ".join(f"{moment:.1f}" for moment in times),
        prompt=views.cut(task.request.prompt, 300),
    )
    return sentences(words, next_step), shown


def film_view(made: FilmPreview) -> tuple[str, dict[str, Any]]:
    """Which shots are on the sheet, and what they are to be compared with."""
    film, sheet = made.report.film, made.sheet
    shots = [
        {
            "shot": shot.number,
            "task_id": shot.chosen.id if shot.chosen else None,
            "times": [round(moment, 2) for moment in times],
            "prompt": views.cut(film.script.own_prompt(shot.number)),
        }
        for shot, times in zip(made.shots, sheet.times, strict=True)
    ]
    next_step = say("Compare them with the prompts; retake a shot that came out badly (paid again).")
    shown = {"film_id": film.id, "title": views.cut(film.script.title), "shots": shots, "next_step": next_step}
    words = say(
        "{count} of {shots} of {film}, in reading order, each cell with the number of its shot and its time.",
        count=len(shots),
        shots=shots_words(len(made.report.shots)),
        film=film.id,
    )
    prompts = " ".join(f"({shot['shot']}) “{shot['prompt']}”" for shot in shots)
    return sentences(words, prompts, next_step), shown
