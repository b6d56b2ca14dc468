"""What Listwire knows: pure functions over frozen records. No socket, no clock, no environment."""
