"""Who is told what: states and digests from the history, sent by Apprise; pings for a dead-man's switch."""
