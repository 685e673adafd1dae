"""What we do: the life of every task, and the verbs that callers have."""
