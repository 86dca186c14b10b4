print("chatloop")
