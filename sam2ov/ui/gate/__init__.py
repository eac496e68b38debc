"""Who may call the server, and with what: checked before anything else sees a request."""
