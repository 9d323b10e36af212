"""The API's description, OpenAPI 3.1: written by hand, and tested against what is answered."""
