"""The life of an image: how each kind is made, what proves it, how long it stays, how it comes back."""
