"""The command vramswapctl."""
