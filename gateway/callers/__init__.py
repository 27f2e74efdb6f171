"""Who asks, how often, and from which pages: keys, rate limits, CORS."""
