enum PlaceholderHistory {}
