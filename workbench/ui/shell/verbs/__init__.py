"""The forms that start a step of the walk from any page."""
