"""Alpaca's wire on a session's clock: data, trading, sockets, and a runner for bots that know no other address."""
