"""What is on disk: a database whose every step can be undone, and the results in it."""
