"""What happens on the server when the user does something on the page."""
