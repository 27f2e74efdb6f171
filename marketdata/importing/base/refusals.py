"""Why a file, or a part of it, is not imported. Every text names the file and what to pass."""

from __future__ import annotations

from marketdata.errors import MarketDataError


class UnreadableFile(MarketDataError):
    """The complete file cannot be used."""


class OtherKind(UnreadableFile):
    """The file holds something other than what was asked for: in a folder it is skipped and named."""


class NotBars(OtherKind):
    """The file holds something other than minute bars."""


class NotTicks(OtherKind):
    """The file has no columns of the trades or quotes that are looked for."""


class NoRows(UnreadableFile):
    """The file holds no rows of what was asked for."""


class Doubt(UnreadableFile):
    """Two readings are possible, and only a person knows which is right.

    `what` is doubtful; `advice`: what to pass to a command, which a page says in words of its own (`page_words`).
    `option`: the command's option that answers, without dashes. `choices`: its values, where they are few.
    """

    def __init__(self, what: str, advice: str, *, option: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(f"{what}: {advice}.")
        self.what, self.option, self.choices = what, option, choices
