"""The jobs as functions: what ``import mien`` gives, and what the command line calls."""
