"""REST v2 over the world, and the simulator's own `/sim` routes."""
