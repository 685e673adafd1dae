"""The conformance suite of the protocol's own people, and the fixtures that it wants of a server."""
