"""Tables and the queries on them: three stores, and no web framework."""
