"""What page and server say to each other: messages one way, payloads the other."""
