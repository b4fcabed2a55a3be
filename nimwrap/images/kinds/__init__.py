"""The kinds of image, a module each: how one is made, proven, named, defined, removed and brought back."""
