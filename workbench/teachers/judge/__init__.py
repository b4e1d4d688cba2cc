"""The judge: a language model is asked in words how useful passages are, and its answers are parsed strictly."""
