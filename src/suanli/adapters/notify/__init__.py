"""How people are reached: by mail, by a request to their own web service, or not at all."""
