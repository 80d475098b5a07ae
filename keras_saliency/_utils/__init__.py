"""What the rooms above share and users do not need."""
