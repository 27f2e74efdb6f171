"""The composition root: settings, addresses, processes. Apps never import it."""
