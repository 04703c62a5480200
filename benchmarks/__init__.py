"""What the server costs and how fast it answers: `make bench`. Not part of the package that is shipped."""
