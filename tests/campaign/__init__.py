"""The crash campaign: kill nimwrap anywhere, recover, and see that nothing is lost, open or left."""
