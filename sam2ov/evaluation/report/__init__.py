"""How good tracked masks are, for people: measured from masks alone, drawn, and put on a page."""
