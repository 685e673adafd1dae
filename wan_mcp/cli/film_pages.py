"""How a film looks in a terminal. The words are those of `server/film_views`, with commands for tools."""

from rich.console import Console
from rich.text import Text

from wan_mcp.cli.pages import fact, in_commands, printable
from wan_mcp.domain.film import FilmStatus
from wan_mcp.domain.language import said, say
from wan_mcp.server import film_views
from wan_mcp.server.views import seconds
from wan_mcp.service.report import FilmReport

_STYLES = {
    FilmStatus.RENDERING: "bold cyan",
    FilmStatus.JOINING: "cyan",
    FilmStatus.ATTENTION: "black on yellow",
    FilmStatus.SUCCEEDED: "green",
    FilmStatus.CANCELED: "dim",
}


def badge(status: FilmStatus) -> Text:
    """A status in its colour."""
    return Text.assemble((status.value, _STYLES[status]))


def film_card(console: Console, report: FilmReport) -> None:
    """One film with everything that matters about it."""
    film = report.film
    console.print(Text.assemble(badge(report.status), "  ", (printable(film.script.title), "bold")), soft_wrap=True)
    fact(console, say("film"), film.id)
    fact(console, say("shots"), say(", ").join([film_views.facts(report), film.script.shots[0].size]))
    if report.status is not FilmStatus.SUCCEEDED:
        fact(console, "", film_views.doing_words(report))
    if film.canceled_at is not None and not report.is_settled:
        fact(console, "", say("called off; what had started is made, paid and kept"))
    if called_off := film_views.called_off_words(report):
        fact(console, "", called_off)
    for words in film_views.attention_words(report):
        fact(console, say("problem"), printable(words))
    if film.problem is not None:
        fact(console, say("problem"), printable(film.problem.words))
    fact(console, say("cost"), film_views.cost_words(report))
    took = say("took {elapsed} s", elapsed=seconds(report.elapsed))
    fact(console, say("time"), took if report.is_settled else film_views.time_words(report))
    if report.is_settled and film.file:
        fact(console, say("file"), printable(film.file), style="bold", is_whole=True)
    for remark in film.remarks:
        fact(console, say("note"), printable(said(remark)))
    if report.trouble:
        fact(console, say("last try"), printable(report.trouble))
    fact(console, say("next"), next_words(report))


def next_words(report: FilmReport) -> str:
    """What to do next, with commands where a model would be told tools."""
    film_id = report.film.id
    if not report.is_settled and not report.attention and report.film.canceled_at is None:
        return say("{again} waits for it and fetches the file.", again=f"`wan-mcp film {film_id}`")
    if report.status is FilmStatus.SUCCEEDED and not report.attention:
        return say(
            "`wan-mcp preview {film}` shows the shots, and `wan-mcp retake {film} --shot {shot}` makes one that came "
            "out badly anew (here shot {shot}).",
            film=film_id,
            shot=min(2, len(report.shots)),
        )
    return in_commands(film_views.next_words(report))
