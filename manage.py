#!/usr/bin/env python
"""Tapedeck's command line: `python manage.py help` lists what it can do."""

import sys

if __name__ == "__main__":
    try:
        from config.command_line import main

        main()
    except KeyboardInterrupt:
        sys.exit(130)  # while it is loaded; later `main` does the same
