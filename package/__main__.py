"""Run the command line with ``python -m mien``."""

from mien.experiments.cli import main

if __name__ == "__main__":
    main()
