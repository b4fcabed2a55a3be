"""Long steps on a master that outlive whoever started them."""
