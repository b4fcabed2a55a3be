"""When backups are due: schedule files, slots, the one-shot ``due``, the daemon, and the way over from cron."""
