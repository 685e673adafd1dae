"""What `cli/` says."""

CLI: dict[str, str] = {
    # terminal.py, pages.py
    # program.py
    # commands.py, order.py
    # install.py
    # doctor.py
    # demo.py
}
