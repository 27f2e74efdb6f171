"""The broker's two sockets: one tail of a session for all of a process's clients, each message encoded once."""
