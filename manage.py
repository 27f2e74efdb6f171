#!/usr/bin/env python
"""Tapedeck's command line: `python manage.py help` lists what it can do."""

from config.command_line import main

if __name__ == "__main__":
    main()
