"""The dashboard's own furniture: the frame every page hangs in, its caches, its pickers, its parts."""
