"""What the site looks like: the protection of every client, the HTML report, the metrics. It only reads."""
