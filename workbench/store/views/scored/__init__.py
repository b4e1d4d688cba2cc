"""What teachers gave: utilities, the pairs that lack one, and the shape of both."""
