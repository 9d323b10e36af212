"""A made-up country: people, families, companies and land of whom none exist, for demonstrations and measurements."""
