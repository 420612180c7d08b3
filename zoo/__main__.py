"""``python -m zoo`` is ``zoo``."""

from zoo.core.process import leave_current_folder

if __name__ == "__main__":
    leave_current_folder()

    from zoo.cli.main import main

    main()
