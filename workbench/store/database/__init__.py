"""The database file of a workspace: opening it, its tables and their migrations, and its errors in words."""
