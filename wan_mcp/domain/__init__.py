"""What is true whatever the weather: no I/O, no clock, no randomness, no logging, no settings."""
