"""The streaming predictor: five networks, memory banks, objects, sessions, tracking."""
