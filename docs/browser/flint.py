"""What stands for python-flint in the browser."""

raise ImportError("python-flint is not in the browser: exact ranks modulo a prime need it")
