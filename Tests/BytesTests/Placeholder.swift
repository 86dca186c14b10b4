enum PlaceholderBytes {}
