"""Tests of the engines: shards in files, and the machines that compute them."""
