"""One file a verb: parse the arguments, call the action, hand the result to output."""
