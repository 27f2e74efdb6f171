"""Corporate actions: questions about what is stored, prices adjusted by it, and files of it."""

from marketdata.actions.known import Action, actions_between

__all__ = ["Action", "actions_between"]
