"""The web application: an area for each kind of reader."""
