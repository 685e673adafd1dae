"""What `server/` says."""

SERVER: dict[str, str] = {
    # views.py
    # tools.py
    # the tasks extension, resources, the player
    # the HTTP door
}
