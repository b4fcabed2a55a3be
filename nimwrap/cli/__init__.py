"""The face: one file a verb, which parses, calls and hands a Result to render. Only render writes to a stream."""
