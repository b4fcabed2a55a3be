"""What nimwrap does for whom: the only place where fleet runs, reports, notifications and progress meet."""
