"""Video files, read and written by PyAV and pillow (extra `media`), each piece of work in a process of its own."""
