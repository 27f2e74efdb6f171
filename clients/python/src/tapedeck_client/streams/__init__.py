"""Streams: frames over server-sent events or a WebSocket, exactly once, however often the connection is lost."""
