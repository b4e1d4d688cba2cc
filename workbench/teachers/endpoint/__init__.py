"""Model servers: what is sent to them and within which budget, and the likelihood teacher that asks one."""
