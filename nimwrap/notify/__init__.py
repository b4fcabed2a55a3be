"""Who is told, and when: messages and pings. Reads the history; can never break a backup."""
