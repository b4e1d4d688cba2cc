"""The page Map: queries and passages in two dimensions, before and after training."""
