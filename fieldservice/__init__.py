"""Field and on-site service scheduling: the Flask product around the `scheduler` library."""
