"""Pure functions of numbers: measures, significance, correlation of rankings, divergences, agreement, kappa."""
