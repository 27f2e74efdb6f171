"""How a session looks in a notebook: HTML with an inline SVG, without scripts and without other servers."""
