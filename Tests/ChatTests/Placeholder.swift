enum PlaceholderChat {}
