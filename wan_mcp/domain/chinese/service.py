"""What `adapters/`, `settings.py` and `service/` say."""

SERVICE: dict[str, str] = {
    # adapters/
    # settings.py
    # service/
}
