"""Real PostgreSQL and Valkey from wheels, for `bashgah demo` and the tests; never in production."""
