"""The thesis's results, each beside ours under its protocol and under an honest one."""
