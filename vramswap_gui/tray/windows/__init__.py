"""The windows of the tray application."""
