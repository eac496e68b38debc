"""Browser tabs on the server: their clips, their projects, what runs for them."""
