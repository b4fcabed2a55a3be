"""What is true right now, of a client and its master, before anything is changed. It changes nothing itself."""
