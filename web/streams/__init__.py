"""Streams: server-sent events and WebSocket as plain ASGI, with Django deciding who comes in."""
