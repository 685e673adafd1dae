"""The slow runs: other people's clients, and everything that takes processes and patience."""
