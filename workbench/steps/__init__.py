"""The walk: one verb a module, each a function from a workspace to one frozen result."""
