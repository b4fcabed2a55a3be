"""What the stored rows say of the estate: protection, alerts, report, metrics."""
