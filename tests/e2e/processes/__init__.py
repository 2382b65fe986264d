"""Several server processes, PostgreSQL and a Redis of their own, and what is killed of them."""
