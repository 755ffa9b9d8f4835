"""Survey estimation: a table and a design go in, estimates with their uncertainty come out."""
