"""The way over from cron: read a crontab, say what is understood as schedules, and name every line that is not."""
