"""The product's verbs for `tapedeck` without a verb, grouped, a line each; and what other words for them mean."""

from __future__ import annotations

VERBS: dict[str, dict[str, str]] = {
    "Run Tapedeck": {
        "up": "start everything: services, web, workers, and a session to watch",
        "services": "start or stop the embedded Postgres and Valkey alone",
        "open_demo": "open a session to watch, of AAPL and MSFT",
        "system_status": "services, workers, and every live session",
        "health": "whether this machine's process of a kind works",
    },
    "Replay": {
        "play": "replay a day and show it: symbols, then the day",
        "start_session": "replay days, with every option",
        "sessions": "list sessions, the newest first",
        "pause_session": "pause",
        "resume_session": "go on",
        "step_session": "let a paused session run some minutes",
        "seek_session": "move the clock forward or back",
        "set_speed": "market seconds per second; 0 is as fast as possible",
        "add_symbols": "play more symbols",
        "remove_symbols": "stop playing symbols",
        "stop_session": "end a session",
        "restart_session": "play a session again, from its first day, as a new one",
        "fork_session": "a second session at the same clock, or an earlier one",
        "delete_session": "delete ended sessions",
        "tail_session": "print events as they come",
    },
    "Bots and accounts": {
        "create_api_key": "a key to one session, for readers or with an account",
        "revoke_api_key": "end a key",
        "run_bot": "run a bot unchanged, inside a session",
        "account_status": "cash, equity and positions",
        "list_orders": "an account's orders",
        "set_account": "what an account's owner may",
        "export_executions": "fills as CSV",
    },
    "Data": {
        "import_bars": "minute bars from files",
        "import_trades": "trades from files",
        "import_quotes": "quotes from files",
        "import_data": "a folder of all three",
        "import_actions": "splits, dividends and changes of symbols",
        "fetch_bars": "bars from a provider, only what is missing",
        "export_bars": "bars to CSV or Parquet",
        "data_status": "what the store holds, and what is odd about it",
        "quarantine": "rows that were rejected, and why",
        "list_imports": "imports, and what each did",
        "undo_import": "take an import back",
        "delete_data": "delete a dataset, a symbol or days",
        "compare_bars": "bars made from trades against the vendor's",
    },
    "Prove": {
        "verify_session": "make a run again, and compare",
        "diff_sessions": "the first minute at which two runs differ",
        "calendar_drill": "every half day and clock change of twenty years",
    },
}
MEANT = {
    "pause": ("pause_session",),
    "resume": ("resume_session",),
    "continue": ("resume_session",),
    "stop": ("stop_session",),
    "end": ("stop_session",),
    "finish": ("stop_session",),
    "rewind": ("restart_session", "seek_session"),
    "replay": ("play", "restart_session"),
    "restart": ("restart_session",),
    "seek": ("seek_session",),
    "jump": ("seek_session",),
    "step": ("step_session",),
    "speed": ("set_speed",),
    "fork": ("fork_session",),
    "start": ("up", "start_session", "play"),
    "tail": ("tail_session",),
    "follow": ("tail_session", "play"),
    "list": ("sessions", "list_imports", "list_orders"),
    "ls": ("sessions",),
    "status": ("system_status", "data_status", "account_status"),
    "import": ("import_bars", "import_data"),
    "export": ("export_bars", "export_executions"),
    "fetch": ("fetch_bars",),
    "undo": ("undo_import",),
    "delete": ("delete_session", "delete_data"),
    "remove": ("remove_symbols", "delete_session", "delete_data"),
    "orders": ("list_orders",),
    "account": ("account_status",),
    "key": ("create_api_key",),
    "verify": ("verify_session",),
    "diff": ("diff_sessions",),
    "imports": ("list_imports",),
    "session": ("sessions", "play"),
    "executions": ("export_executions",),
    "fills": ("export_executions",),
    "accounts": ("account_status",),
    "positions": ("account_status",),
    "bot": ("run_bot",),
    "keys": ("create_api_key",),
    "data": ("data_status", "import_data"),
    "demo": ("open_demo",),
    "actions": ("import_actions",),
    "bars": ("import_bars", "export_bars"),
    "trades": ("import_trades",),
    "quotes": ("import_quotes",),
}
"""A word that people try → the verbs that it may mean."""
NEEDS_NO_DATABASE = frozenset({"up", "services", "health", "system_status", "calendar_drill"})


def overview(program: str) -> str:
    width = max(len(name) for group in VERBS.values() for name in group)
    lines = [f"usage: {program} VERB …   ({program} VERB --help explains one, with examples)"]
    for title, group in VERBS.items():
        lines += ["", title, *(f"  {name:{width}}  {text}" for name, text in group.items())]
    lines += ["", f"Django's own commands: {program} help --commands"]
    return "\n".join(lines)


def unknown(verb: str, program: str) -> str:
    """What to say of a word that is no verb; empty for one that is, or that only Django may know."""
    if verb not in MEANT:
        return ""
    texts = {name: text for group in VERBS.values() for name, text in group.items()}
    meant = "; ".join(f"`{program} {name}`: {texts[name]}" for name in MEANT[verb])
    return f"{verb!r} is not a command. {meant}."
