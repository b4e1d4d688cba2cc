"""The shell of every page: frame, navigation, cache, pickers, components, style."""
